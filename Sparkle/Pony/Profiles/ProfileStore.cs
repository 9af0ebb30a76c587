using System.Text.Json;
using System.Text.RegularExpressions;

namespace PonyCloud.Pony.Profiles;

/// <summary>
/// Profiles as files of mode 0600, one each, in <c>$XDG_CONFIG_HOME/ponycloud/profiles</c>. The name of the one in use is in
/// the file <c>profile</c> beside. A file is replaced as a whole, so that two commands at once never leave half of one.
/// </summary>
internal sealed partial class ProfileStore(string directory)
{
    public const string DefaultName = "default";

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        WriteIndented = true,
    };

    private readonly string _profiles = Path.Combine(directory, "profiles");

    /// <summary>The store of whoever runs the command.</summary>
    /// <exception cref="PonyException">There is no place for it.</exception>
    public static ProfileStore Of(Func<string, string?> variable)
    {
        // The specification of these directories has relative paths ignored.
        var config = variable("XDG_CONFIG_HOME");
        if (string.IsNullOrEmpty(config) || !Path.IsPathRooted(config))
        {
            var home = variable("HOME");
            if (string.IsNullOrEmpty(home))
                throw PonyException.Usage("Neither XDG_CONFIG_HOME nor HOME is set, so there is no place for profiles.");
            config = Path.Combine(home, ".config");
        }
        return new ProfileStore(Path.Combine(config, "ponycloud"));
    }

    /// <summary>The name of the profile in use.</summary>
    public string Current => Read(Path.Combine(directory, "profile"))?.Trim() is { Length: > 0 } name ? Checked(name) : DefaultName;

    public IReadOnlyList<string> Names => Directory.Exists(_profiles)
        ? [.. Directory.EnumerateFiles(_profiles, "*.json").Select(path => Path.GetFileNameWithoutExtension(path)!).Order(StringComparer.Ordinal)]
        : [];

    /// <exception cref="PonyException">The file is not to be trusted, or makes no sense.</exception>
    public Profile? Find(string name)
    {
        var path = PathOf(name);
        if (Read(path) is not { } text)
            return null;
        if ((File.GetUnixFileMode(path) & ~OwnerOnly) != 0)
            throw PonyException.Usage($"{path} holds a token and others may read it. After chmod 600 it is used again; log in anew if you do not trust it.");
        try
        {
            return JsonSerializer.Deserialize<Profile>(text, Options) ?? throw new JsonException("null");
        }
        catch (JsonException exception)
        {
            throw new PonyException(ExitCode.Usage, $"{path} is no profile. pony login writes it anew.", exception);
        }
    }

    public void Save(string name, Profile profile) => Write(PathOf(name), JsonSerializer.Serialize(profile, Options));

    public void Use(string name) => Write(Path.Combine(directory, "profile"), Checked(name) + "\n");

    public void Remove(string name) => File.Delete(PathOf(name));

    private string PathOf(string name) => Path.Combine(_profiles, Checked(name) + ".json");

    private static string Checked(string name) => ProfileName().IsMatch(name)
        ? name
        : throw PonyException.Usage($"\"{Output.Printable.Of(name)}\" cannot be a profile's name: letters, digits, dots, dashes and underscores can.");

    private static string? Read(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new PonyException(ExitCode.Usage, $"{path} cannot be read.", exception);
        }
    }

    private static void Write(string path, string text)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!, OwnerOnly | UnixFileMode.UserExecute);
            var partial = $"{path}.{Environment.ProcessId}.new";
            // The mode is the file's from the first moment: there is none at which others could open it.
            using (var stream = new FileStream(partial, new FileStreamOptions
            {
                Mode = FileMode.Create,
                Access = FileAccess.Write,
                UnixCreateMode = OwnerOnly,
            }))
            using (var writer = new StreamWriter(stream))
                writer.Write(text);
            File.Move(partial, path, overwrite: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new PonyException(ExitCode.Usage, $"{path} cannot be written.", exception);
        }
    }

    [GeneratedRegex("^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$")]
    private static partial Regex ProfileName();
}
