using System.Text.Json;

namespace PonyCloud.Twilight.Storage.Mounts;

/// <summary>The config of a pool that is mounted.</summary>
internal sealed class MountConfig
{
    private readonly PoolDefinition _definition;
    private readonly Dictionary<string, string> _texts;

    private MountConfig(PoolDefinition definition, Dictionary<string, string> texts)
    {
        _definition = definition;
        _texts = texts;
    }

    /// <summary>The server; an IPv6 address in brackets, as mount takes it.</summary>
    /// <exception cref="StorageException">There is none.</exception>
    internal string Host => Name("host") is var host && host.Contains(':', StringComparison.Ordinal) && host[0] != '[' ? $"[{host}]" : host;

    /// <exception cref="StorageException">It is no object of texts.</exception>
    internal static MountConfig Of(PoolDefinition definition)
    {
        try
        {
            return new MountConfig(definition, JsonSerializer.Deserialize<Dictionary<string, string>>(definition.Pool.Config.Text) ?? []);
        }
        catch (JsonException exception)
        {
            throw new StorageException(StorageFailure.Failed, $"The config of the {definition} makes no sense.", exception);
        }
    }

    internal string? Find(string member) => _texts.GetValueOrDefault(member) is { } text && !text.Any(char.IsControl) ? text : null;

    /// <exception cref="StorageException">There is none.</exception>
    internal string AbsolutePath(string member) => Find(member) is { } path && path.StartsWith('/') ? path : throw Lacks(member);

    /// <summary>Something that is not empty and no option of a command.</summary>
    /// <exception cref="StorageException">There is none.</exception>
    internal string Name(string member) =>
        Find(member) is { Length: > 0 } name && name[0] != '-' && !name.Contains('/', StringComparison.Ordinal)
            ? name
            : throw Lacks(member);

    private StorageException Lacks(string member) => new(StorageFailure.Failed, $"The {_definition} has no {member} that makes sense.");
}
