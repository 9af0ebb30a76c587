using System.Text;

namespace PonyCloud.Shared.Tests.Architecture;

/// <summary>
/// A C# file taken apart into code, what its string literals say, and comments, so that a rule about one is not misled by
/// the others. Each keeps its line breaks: line numbers are those of the file.
/// </summary>
internal sealed class SourceText
{
    /// <summary>Stands between two literals in <see cref="Strings"/>.</summary>
    public const char Separator = '\u0001';

    private readonly string _text;
    private readonly StringBuilder _code = new();
    private readonly StringBuilder _strings = new();
    private int _at;

    private SourceText(string text) => _text = text;

    /// <summary>The code; a string literal is left as <c>""</c>, a comment as <c>/**/</c>.</summary>
    public string Code => _code.ToString();

    /// <summary>What string literals say, interpolated code included.</summary>
    public string Strings => _strings.ToString();

    public static SourceText Parse(string text)
    {
        var source = new SourceText(text);
        source.Run();
        return source;
    }

    private void Run()
    {
        while (_at < _text.Length)
        {
            var rest = _text.AsSpan(_at);
            if (rest.StartsWith("//"))
            {
                Comment("\n", includeEnd: false);
            }
            else if (rest.StartsWith("/*"))
            {
                Comment("*/", includeEnd: true);
            }
            else if (rest[0] == '\'')
            {
                _code.Append("' '");
                Escaped('\'');
            }
            else if (Quote() is { Length: > 0 } quote)
            {
                _code.Append("\"\"");
                Literal(quote);
            }
            else
            {
                Both(rest[0], code: true);
                _at++;
            }
        }
    }

    /// <summary>What opens a string literal here: any of $ and @, and quotes; empty when nothing does.</summary>
    private string Quote()
    {
        var end = _at;
        while (end < _text.Length && _text[end] is '$' or '@')
        {
            end++;
        }

        var quotes = end;
        while (quotes < _text.Length && _text[quotes] == '"')
        {
            quotes++;
        }

        var count = quotes - end;
        // Two quotes are an empty literal: the first opens it.
        return count == 0 ? string.Empty : _text[_at..(count < 3 ? end + 1 : quotes)];
    }

    private void Literal(string opening)
    {
        var quotes = opening.Count(character => character == '"');
        _at += opening.Length;
        if (quotes >= 3)
        {
            Until(new string('"', quotes));
        }
        else if (opening.Contains('@', StringComparison.Ordinal))
        {
            while (_at < _text.Length && !(_text[_at] == '"' && (_at + 1 == _text.Length || _text[_at + 1] != '"')))
            {
                var doubled = _text[_at] == '"';
                Both(_text[_at], code: false);
                _at += doubled ? 2 : 1;
            }

            _at++;
        }
        else
        {
            _at--;
            Escaped('"');
        }

        _strings.Append(Separator);
    }

    private void Escaped(char quote)
    {
        _at++;
        while (_at < _text.Length && _text[_at] != quote && _text[_at] != '\n')
        {
            if (_text[_at] == '\\')
            {
                _at++;
            }

            if (_at < _text.Length)
            {
                Both(_text[_at], code: false);
                _at++;
            }
        }

        _at++;
    }

    private void Until(string end)
    {
        var stop = _text.IndexOf(end, _at, StringComparison.Ordinal);
        stop = stop < 0 ? _text.Length : stop;
        for (; _at < stop; _at++)
        {
            Both(_text[_at], code: false);
        }

        _at = Math.Min(_text.Length, stop + end.Length);
    }

    private void Comment(string end, bool includeEnd)
    {
        _code.Append("/**/");
        var stop = _text.IndexOf(end, _at, StringComparison.Ordinal);
        stop = stop < 0 ? _text.Length : stop + (includeEnd ? end.Length : 0);
        foreach (var character in _text[_at..stop].Where(character => character == '\n'))
        {
            Both(character, code: true);
        }

        _at = stop;
    }

    private void Both(char character, bool code)
    {
        if (character == '\n')
        {
            _code.Append('\n');
            _strings.Append('\n');
        }
        else
        {
            (code ? _code : _strings).Append(character);
        }
    }
}
