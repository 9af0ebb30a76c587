namespace PonyCloud.Twilight.Migrations;

/// <summary>What an instance that has left this host has left behind; the storage of the host implements it.</summary>
public interface IVolumeReading
{
    /// <summary>Opens the content of a volume for reading.</summary>
    /// <returns>
    /// What speaks NBD, for one client, until it is disposed of; null when it is not a volume of this instance that the host keeps and has.
    /// </returns>
    /// <exception cref="IOException">It cannot be read now, such as while a guest has it.</exception>
    Task<Stream?> OpenAsync(Guid instance, Guid volume, CancellationToken cancellationToken);
}
