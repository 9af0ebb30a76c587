using FsCheck;
using FsCheck.Fluent;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Database.Following;
using PonyCloud.Sparkle.Database.Rows;

namespace PonyCloud.Database.Tests;

/// <summary>Text forms, without a server.</summary>
[TestFixture]
public sealed class PostgresTextTests
{
    private static readonly Column Features = Link.Catalog["cpu_profile"].Desired!.Column("features")!;

    private static readonly Column Ns = Link.Catalog["instance"].Desired!.Column("ns")!;

    [Test]
    public void Any_list_of_texts_comes_back() => Check.QuickThrowOnFailure(Prop.ForAll(
        ArbMap.Default.ArbFor<NonNull<string>[]>(),
        items =>
        {
            var list = TextList.Of(items.Select(item => item.Get));
            return list.Equals(PostgresText.Parse(Features, PostgresText.Format(Features, list)!));
        }));

    [TestCase("{}", new string[0])]
    [TestCase("{a,b}", new[] { "a", "b" })]
    [TestCase("{\"a,b\",\"c\\\"d\\\\\",\"NULL\",\"\"}", new[] { "a,b", "c\"d\\", "NULL", "" })]
    [TestCase("[0:1]={a,b}", new[] { "a", "b" })]
    public void A_list_is_read_as_the_server_writes_it(string text, string[] items) =>
        Assert.That(PostgresText.Parse(Features, text), Is.EqualTo(TextList.Of(items)));

    [TestCase("{{a}}")]
    [TestCase("{a,NULL}")]
    [TestCase("{a")]
    [TestCase("a")]
    [TestCase("{\"a")]
    public void What_is_no_flat_list_is_refused(string text) =>
        Assert.That(() => PostgresText.Parse(Features, text), Throws.TypeOf<FormatException>());

    [TestCase("{192.0.2.1,2001:db8::1}", new[] { "192.0.2.1", "2001:db8::1" })]
    [TestCase("{192.0.2.1/32,2001:DB8:0:0::1/128}", new[] { "192.0.2.1", "2001:db8::1" })]
    public void An_address_is_read_with_and_without_its_prefix_length(string text, string[] items) =>
        Assert.That(PostgresText.Parse(Ns, text), Is.EqualTo(TextList.Of(items)));

    [TestCase("{192.0.2.1/24}")]
    [TestCase("{2001:db8::1/32}")]
    [TestCase("{192.0.2}")]
    public void What_is_no_single_address_is_refused(string text) =>
        Assert.That(() => PostgresText.Parse(Ns, text), Throws.TypeOf<FormatException>());

    [TestCase("[0,1024)", 0, 1024)]
    [TestCase("[-1,9223372036854775807)", -1, long.MaxValue)]
    public void A_range_comes_back(string text, long start, long end)
    {
        var column = Link.Catalog["extent"].Desired!.Column("range")!;
        Assert.That(PostgresText.Parse(column, text), Is.EqualTo(new LongRange(start, end)));
        Assert.That(PostgresText.Format(column, new LongRange(start, end)), Is.EqualTo(text));
    }

    [TestCase("10:20:10,15", 9u, true)]
    [TestCase("10:20:10,15", 10u, false)]
    [TestCase("10:20:10,15", 11u, true)]
    [TestCase("10:20:10,15", 15u, false)]
    [TestCase("10:20:10,15", 20u, false)]
    [TestCase("4294967290:4294967300:", 4294967295u, true)]
    [TestCase("4294967290:4294967300:", 3u, true)]
    [TestCase("4294967290:4294967300:", 4u, false)]
    public void A_snapshot_knows_what_it_sees_across_a_wraparound(string snapshot, uint transaction, bool seen) =>
        Assert.That(PostgresSnapshot.Parse(snapshot).Sees(transaction), Is.EqualTo(seen));
}
