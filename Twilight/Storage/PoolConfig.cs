using System.Text.Json;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Twilight.Storage;

/// <summary>Reads the config or the secret of a pool. What is wrong is refused by the name of the member, never with its value.</summary>
public sealed class PoolConfig
{
    private readonly PoolDefinition _definition;
    private readonly JsonElement _root;

    private PoolConfig(PoolDefinition definition, JsonText? text)
    {
        _definition = definition;
        using var document = JsonDocument.Parse(text?.Text ?? "{}");
        _root = document.RootElement.Clone();
    }

    public static PoolConfig Of(PoolDefinition definition) => new(definition, definition.Pool.Config);

    public static PoolConfig SecretOf(PoolDefinition definition) => new(definition, definition.Pool.Secret);

    /// <exception cref="StorageException">It is not there, or no text.</exception>
    public string Text(string name) => TextOrNull(name) ?? throw Wrong($"has no {name}");

    /// <exception cref="StorageException">It is no text.</exception>
    public string? TextOrNull(string name) => Find(name) switch
    {
        null => null,
        { ValueKind: JsonValueKind.String } found when Checked(found) is { } text => text,
        _ => throw Wrong($"has a {name} that is no text"),
    };

    /// <exception cref="StorageException">It is not there, empty, or no list of texts.</exception>
    public IReadOnlyList<string> Texts(string name)
    {
        if (Find(name) is not { ValueKind: JsonValueKind.Array } found || found.GetArrayLength() == 0)
            throw Wrong($"has no {name}");
        return [.. found.EnumerateArray().Select(text =>
            (text.ValueKind == JsonValueKind.String ? Checked(text) : null) ?? throw Wrong($"has {name} that are no texts"))];
    }

    /// <summary>A host name or an address, with a port behind a colon if need be; an IPv6 address with one stands in brackets.</summary>
    /// <exception cref="StorageException">It is not that.</exception>
    public StorageServer Server(string name, string text)
    {
        if (Uri.TryCreate($"tcp://{text}", UriKind.Absolute, out var uri)
            && uri is { UserInfo: "", PathAndQuery: "" or "/", Host.Length: > 0 })
        {
            return new StorageServer(uri.IdnHost, uri.Port > 0 ? uri.Port : null);
        }
        // An IPv6 address without brackets looks as if it had many ports.
        if (System.Net.IPAddress.TryParse(text, out var address))
            return new StorageServer(address.ToString());
        throw Wrong($"has a {name} that is no host with a port");
    }

    private static string? Checked(JsonElement text) =>
        text.GetString() is { Length: > 0 } value && !value.Any(char.IsControl) ? value : null;

    private JsonElement? Find(string name) =>
        _root.ValueKind == JsonValueKind.Object && _root.TryGetProperty(name, out var found) && found.ValueKind != JsonValueKind.Null
            ? found
            : null;

    private StorageException Wrong(string what) => new(StorageFailure.Failed, $"The {_definition} {what}.");
}
