using System.Text;
using System.Text.RegularExpressions;

namespace PonyCloud.Sparkle.Api.Description;

/// <summary>
/// Makes a short text that matches a regular expression, for examples. It knows what patterns of columns are written with:
/// literals, escapes, classes, groups, alternatives and counts.
/// </summary>
internal ref struct PatternSample
{
    private const string Nice = "a1A0";

    private readonly ReadOnlySpan<char> _pattern;
    private int _at;

    private PatternSample(ReadOnlySpan<char> pattern) => _pattern = pattern;

    /// <summary>Null when the pattern is made of something else.</summary>
    public static string? Of(string pattern)
    {
        var reader = new PatternSample(pattern);
        var text = reader.Alternatives();
        return text is not null && reader._at == pattern.Length && Regex.IsMatch(text, $@"\A(?:{pattern})\z", RegexOptions.None, TimeSpan.FromSeconds(1))
            ? text
            : null;
    }

    private readonly char Next => _at < _pattern.Length ? _pattern[_at] : '\0';

    // The first alternative is as good as any; the others are only read over.
    private string? Alternatives()
    {
        var first = Sequence();
        while (first is not null && Next == '|')
        {
            _at++;
            if (Sequence() is null)
                return null;
        }
        return first;
    }

    private string? Sequence()
    {
        var text = new StringBuilder();
        while (_at < _pattern.Length && Next is not ('|' or ')'))
        {
            if (Next is '^' or '$')
            {
                _at++;
                continue;
            }
            if (Atom() is not { } atom || Count() is not { } count)
                return null;
            text.Insert(text.Length, atom, count);
        }
        return text.ToString();
    }

    private string? Atom()
    {
        switch (Next)
        {
            case '[':
                return Class();
            case '(':
                _at++;
                if (Next == '?' && !Skip("?:"))
                    return null;
                var inner = Alternatives();
                return Skip(")") ? inner : null;
            case '\\':
                _at += 2;
                return _at > _pattern.Length ? null : _pattern[_at - 1] switch
                {
                    'd' => "1",
                    'w' => "a",
                    's' => " ",
                    var other => char.IsLetterOrDigit(other) ? null : other.ToString(),
                };
            case '.':
                _at++;
                return "a";
            default:
                return _pattern[_at++].ToString();
        }
    }

    // Whether a character is in the class is left to the real thing.
    private string? Class()
    {
        var start = _at++;
        if (Next == '^')
            _at++;
        if (Next == ']')
            _at++;
        while (_at < _pattern.Length && Next != ']')
            _at += Next == '\\' ? 2 : 1;
        if (!Skip("]"))
            return null;
        var set = new Regex($@"\A{_pattern[start.._at]}\z", RegexOptions.None, TimeSpan.FromSeconds(1));
        foreach (var candidate in Nice)
        {
            if (set.IsMatch(candidate.ToString()))
                return candidate.ToString();
        }
        for (var candidate = ' '; candidate <= '~'; candidate++)
        {
            if (set.IsMatch(candidate.ToString()))
                return candidate.ToString();
        }
        return null;
    }

    private int? Count()
    {
        switch (Next)
        {
            case '?' or '*':
                _at++;
                return 0;
            case '+':
                _at++;
                return 1;
            case '{':
                var end = _pattern[_at..].IndexOf('}');
                if (end < 0)
                    return null;
                var least = _pattern.Slice(_at + 1, end - 1);
                _at += end + 1;
                var comma = least.IndexOf(',');
                return int.TryParse(comma < 0 ? least : least[..comma], out var count) ? count : null;
            default:
                return 1;
        }
    }

    private bool Skip(string text)
    {
        if (!_pattern[_at..].StartsWith(text))
            return false;
        _at += text.Length;
        return true;
    }
}
