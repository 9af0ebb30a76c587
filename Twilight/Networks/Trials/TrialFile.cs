using System.Text.Json;

namespace PonyCloud.Twilight.Networks.Trials;

/// <summary>Keeps the book in a file in memory: it lives as long as what it speaks of, which is until the machine starts anew.</summary>
public sealed class TrialFile(string path)
{
    private static readonly JsonSerializerOptions Options = new() { Converters = { new TypedRowsConverter() } };

    /// <exception cref="InvalidDataException">It is not what this wrote.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public TrialBook Read()
    {
        if (!File.Exists(path))
            return TrialBook.Empty;
        try
        {
            return JsonSerializer.Deserialize<TrialBook>(File.ReadAllBytes(path), Options) ?? throw new InvalidDataException($"{path} is empty.");
        }
        catch (JsonException exception)
        {
            throw new InvalidDataException($"{path} is not the book of trials: {exception.Message}", exception);
        }
    }

    /// <summary>The whole book or the one before, whatever happens.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    public void Write(TrialBook book)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var next = path + ".new";
        File.WriteAllBytes(next, JsonSerializer.SerializeToUtf8Bytes(book, Options));
        File.Move(next, path, overwrite: true);
    }
}
