using System.Text;
using PonyCloud.Sparkle.Database.Following;

namespace PonyCloud.Database.Tests;

/// <summary>The text form of COPY is taken apart, however the server cut it to pieces.</summary>
[TestFixture]
public sealed class CopiedRowsTests
{
    [TestCase(1)]
    [TestCase(7)]
    [TestCase(100_000)]
    public async Task Columns_are_what_they_were_before_they_were_escaped(int piece)
    {
        var rows = await ReadAsync("a\\tb\\\\N\tzwölf €\t\n\\N\t\\\\\\n\\r\\b\\f\\v\t\\\\N\n", 3, piece);

        Assert.That(rows, Is.EqualTo(new string?[][] { ["a\tb\\N", "zwölf €", ""], [null, "\\\n\r\b\f\v", "\\N"] }));
    }

    [Test]
    public async Task A_row_may_be_larger_than_any_buffer()
    {
        var large = new string('€', 200_000);

        var rows = await ReadAsync($"1\t{large}\n2\t\\N\n", 2, 8192);

        Assert.That(rows, Is.EqualTo(new string?[][] { ["1", large], ["2", null] }));
    }

    [Test]
    public async Task An_empty_table_has_no_rows() => Assert.That(await ReadAsync("", 2, 10), Is.Empty);

    [TestCase("1\t2\t3\n")]
    [TestCase("1\n")]
    [TestCase("1\t2\n3")]
    [TestCase("1\t\\N")]
    public void What_is_no_such_row_is_refused(string text) =>
        Assert.That(() => ReadAsync(text, 2, 10), Throws.TypeOf<FormatException>());

    private static async Task<List<string?[]>> ReadAsync(string text, int columns, int piece)
    {
        var copied = new CopiedRows(new Pieces(Encoding.UTF8.GetBytes(text), piece), columns);
        var rows = new List<string?[]>();
        while (await copied.WaitAsync(CancellationToken.None))
        {
            while (copied.Next())
                rows.Add([.. Enumerable.Range(0, columns).Select(i => copied.TryGet(i, out var column) ? column.ToString() : null)]);
        }
        return rows;
    }

    /// <summary>Gives so many bytes at a time.</summary>
    private sealed class Pieces(byte[] bytes, int piece) : MemoryStream(bytes)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(piece, buffer.Length)], cancellationToken);
    }
}
