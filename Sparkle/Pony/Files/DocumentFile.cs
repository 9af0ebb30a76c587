using System.Text.Json.Nodes;
using PonyCloud.Pony.Output;
using PonyCloud.Pony.Schema;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace PonyCloud.Pony.Files;

/// <summary>A file in YAML or JSON, which is YAML as well, as JSON; and where in it what stands.</summary>
internal sealed class DocumentFile
{
    private const int DeepestNesting = 64;
    private const int MaxSize = 16 << 20;

    private readonly Dictionary<string, long> _lines = new(StringComparer.Ordinal);
    private readonly string _name;

    private DocumentFile(string name, string text)
    {
        _name = name;
        var parser = new Parser(new StringReader(text));
        try
        {
            parser.Consume<StreamStart>();
            if (parser.Accept<StreamEnd>(out _))
                throw Wrong(0, "is empty");
            parser.Consume<DocumentStart>();
            var start = parser.Current!.Start.Line;
            Root = Read(parser, "", 0) as JsonObject ?? throw Wrong(start, "must be an object");
            parser.Consume<DocumentEnd>();
            if (!parser.Accept<StreamEnd>(out _))
                throw Wrong(parser.Current!.Start.Line, "has a second document. One file is one document");
        }
        catch (YamlException exception)
        {
            throw new PonyException(ExitCode.Usage, $"{name}:{exception.Start.Line}: {Printable.Of(exception.Message)}", exception);
        }
    }

    public JsonObject Root { get; } = [];

    /// <param name="path">A file, or <c>-</c> for standard input.</param>
    /// <exception cref="PonyException">It cannot be read, or makes no sense.</exception>
    public static async Task<DocumentFile> ReadAsync(Terminal terminal, string path, CancellationToken cancellation)
    {
        if (path == "-")
            return Parse("standard input", await terminal.Input.ReadToEndAsync(cancellation));
        try
        {
            if (new FileInfo(path) is { Length: > MaxSize })
                throw PonyException.Usage($"{path} is larger than {MaxSize >> 20} MiB.");
            return Parse(path, await File.ReadAllTextAsync(path, cancellation));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new PonyException(ExitCode.Usage, $"{path} cannot be read.", exception);
        }
    }

    public static DocumentFile Parse(string name, string text) => new(name, text);

    /// <summary>Whether something stands in the file at the pointer.</summary>
    public bool Has(string pointer) => _lines.ContainsKey(pointer);

    /// <summary>Says where in the file a JSON pointer points.</summary>
    public string Where(string pointer)
    {
        // A value that is not there is missing from what is.
        for (var at = pointer; ; at = at[..at.LastIndexOf('/')])
        {
            if (_lines.TryGetValue(at, out var line))
                return $"{_name}:{line}: {Printable.Of(pointer)}";
            if (at.Length == 0)
                return $"{_name}: {Printable.Of(pointer)}";
        }
    }

    public PonyException Wrong(string pointer, string what) => new(ExitCode.Usage, $"{Where(pointer)}: {what}");

    private JsonNode? Read(Parser parser, string pointer, int depth)
    {
        var at = parser.Current!;
        if (depth > DeepestNesting)
            throw Wrong(at.Start.Line, "is nested too deeply");
        if (at is AnchorAlias or NodeEvent { Anchor.IsEmpty: false })
            throw Wrong(at.Start.Line, "has an anchor or an alias: write out what it stands for");
        if (at is NodeEvent { Tag.IsEmpty: false })
            throw Wrong(at.Start.Line, "has a tag, which means nothing here");
        _lines[pointer] = at.Start.Line;
        switch (at)
        {
            case Scalar scalar:
                parser.MoveNext();
                return scalar.Style == ScalarStyle.Plain ? YamlScalar.Read(scalar.Value) : JsonValue.Create(scalar.Value);
            case SequenceStart:
                parser.MoveNext();
                var list = new JsonArray();
                while (!parser.Accept<SequenceEnd>(out _))
                    list.Add(Read(parser, $"{pointer}/{list.Count}", depth + 1));
                parser.MoveNext();
                return list;
            case MappingStart:
                parser.MoveNext();
                var map = new JsonObject();
                while (!parser.Accept<MappingEnd>(out _))
                    ReadMember(parser, map, pointer, depth);
                parser.MoveNext();
                return map;
            default:
                throw Wrong(at.Start.Line, "cannot be understood here");
        }
    }

    private void ReadMember(Parser parser, JsonObject map, string pointer, int depth)
    {
        var line = parser.Current!.Start.Line;
        if (parser.Current is not Scalar { Anchor.IsEmpty: true, Tag.IsEmpty: true } name)
            throw Wrong(line, "has a key that is no plain text");
        parser.MoveNext();
        var below = $"{pointer}/{Location.Escape(name.Value)}";
        var value = Read(parser, below, depth + 1);
        if (!map.TryAdd(name.Value, value))
            throw Wrong(line, $"has \"{name.Value}\" twice in one place");
        _lines[below] = line;
    }

    private PonyException Wrong(long line, string what) => new(ExitCode.Usage, $"{_name}:{line}: {Printable.Of(what)}.");
}
