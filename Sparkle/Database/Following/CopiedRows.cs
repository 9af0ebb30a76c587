using System.Buffers;
using System.Text;
using PonyCloud.Sparkle.Database.Rows;

namespace PonyCloud.Sparkle.Database.Following;

/// <summary>
/// Takes the text form of COPY apart: a line for each row, its columns parted by tabs. The texts are those that the
/// change stream has too. Every row is only there until the next one is, so reading costs no memory of its own.
/// </summary>
internal sealed class CopiedRows(Stream stream, int columns) : IRowText
{
    private static readonly SearchValues<char> Special = SearchValues.Create("\t\n\\");

    private readonly (int Start, int Length)[] _fields = new (int, int)[columns];
    private byte[] _bytes = new byte[64 * 1024];
    private char[] _chars = [];
    private int _pending; // Bytes of a line that has not ended yet, at the front of the buffer.
    private int _at;
    private int _end;

    /// <summary>Waits for rows; false when there are no more.</summary>
    /// <exception cref="FormatException">The last line does not end.</exception>
    public async ValueTask<bool> WaitAsync(CancellationToken cancellation)
    {
        int lines;
        do
        {
            if (_pending == _bytes.Length)
                Array.Resize(ref _bytes, _bytes.Length * 2);
            // The stream gives a row at a time, and those that have come already without waiting.
            var read = await stream.ReadAsync(_bytes.AsMemory(_pending), cancellation);
            if (read == 0)
                return _pending == 0 ? false : throw new FormatException("The copy ends within a row.");
            _pending += read;
            lines = _bytes.AsSpan(0, _pending).LastIndexOf((byte)'\n') + 1;
        }
        while (lines == 0);
        if (_chars.Length < lines)
            _chars = new char[_bytes.Length];
        (_at, _end) = (0, Encoding.UTF8.GetChars(_bytes.AsSpan(0, lines), _chars));
        _bytes.AsSpan(lines, _pending - lines).CopyTo(_bytes);
        _pending -= lines;
        return true;
    }

    /// <summary>Goes to the next of the rows that have come.</summary>
    /// <exception cref="FormatException">It has another number of columns.</exception>
    public bool Next()
    {
        if (_at == _end)
            return false;
        for (var i = 0; i < _fields.Length; i++)
        {
            var field = ReadField();
            var isLast = _chars[_at - 1] == '\n';
            if (isLast != (i == _fields.Length - 1))
                throw new FormatException("A row of the copy has another number of columns.");
            _fields[i] = field;
        }
        return true;
    }

    public bool TryGet(int column, out ReadOnlySpan<char> text)
    {
        var (start, length) = _fields[column];
        text = length < 0 ? default : _chars.AsSpan(start, length);
        return length >= 0;
    }

    /// <summary>The next column, whose text is unescaped in its place; of negative length for a null. Goes behind its end.</summary>
    private (int Start, int Length) ReadField()
    {
        var (start, to) = (_at, -1);
        while (true)
        {
            var next = _at + _chars.AsSpan(_at, _end - _at).IndexOfAny(Special);
            if (to >= 0)
            {
                _chars.AsSpan(_at, next - _at).CopyTo(_chars.AsSpan(to));
                to += next - _at;
            }
            if (_chars[next] != '\\')
            {
                _at = next + 1;
                return (start, (to >= 0 ? to : next) - start);
            }
            if (_chars[next + 1] == 'N')
            {
                _at = next + 3;
                return (start, -1);
            }
            if (to < 0)
                to = next;
            _chars[to++] = Unescaped(_chars[next + 1]);
            _at = next + 2;
        }
    }

    private static char Unescaped(char escaped) => escaped switch
    {
        'b' => '\b',
        'f' => '\f',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\v',
        _ => escaped,
    };
}
