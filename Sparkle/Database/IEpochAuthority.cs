namespace PonyCloud.Sparkle.Database;

/// <summary>Decides what follows when a host knows of a newer controller than this one.</summary>
public interface IEpochAuthority
{
    /// <summary>
    /// A host says that it has obeyed this epoch. Returns at once; where it is higher than this controller's own, the
    /// database is asked which of the two is right.
    /// </summary>
    void Heard(long epoch);
}
