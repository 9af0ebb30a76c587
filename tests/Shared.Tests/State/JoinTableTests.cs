using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;

namespace PonyCloud.Shared.Tests.State;

[TestFixture]
public sealed class JoinTableTests
{
    private static readonly Guid Foal = new(1, 0, 0, new byte[8]);
    private static readonly Guid Stall = new(2, 0, 0, new byte[8]);
    private static readonly RowKey South = RowKey.Of("south");

    private readonly JoinTable _stalls = new(MadeUp.Catalog, "stall", "stable", "foal");

    private StateStore _store = null!;

    [SetUp]
    public void Make() => _store = new StateStore(MadeUp.Catalog);

    [Test]
    public void A_link_leads_to_the_row_on_the_other_side_from_either_one()
    {
        _store.Apply([Ordered("south", Foal), Named("south"), MadeUp.Order(Foal, Coat.Red)]);
        var state = _store.Snapshot;
        var link = state[MadeUp.Stall].Find(Stall);
        Assert.That(_stalls.FromLeft(state, South), Is.EqualTo([(link, state[MadeUp.Foal].Find(Foal))]));
        Assert.That(_stalls.FromRight(state, RowKey.Of(Foal)), Is.EqualTo([(link, state[MadeUp.Stable].Find(South))]));
    }

    [Test]
    public void A_link_to_a_row_that_is_not_there_is_still_a_link()
    {
        _store.Apply([Ordered("south", Foal)]);
        Assert.That(_stalls.FromLeft(_store.Snapshot, South).Single().Right, Is.Null);
        Assert.That(_stalls.FromRight(_store.Snapshot, RowKey.Of(Foal)).Single().Left, Is.Null);
        Assert.That(_stalls.FromLeft(_store.Snapshot, RowKey.Of("north")), Is.Empty);
    }

    [Test]
    public void A_link_that_names_nobody_is_still_a_link()
    {
        _store.Apply([Ordered("south", null)]);
        Assert.That(_stalls.FromLeft(_store.Snapshot, South).Single().Right, Is.Null);
    }

    [Test]
    public void A_link_that_only_is_and_does_not_know_the_other_side_leads_nowhere()
    {
        _store.Apply([RowChange.Set(MadeUp.Stall, RowPart.Current, new StallCurrent { Uuid = Stall, Stable = "south" })]);
        var (link, right) = _stalls.FromLeft(_store.Snapshot, South).Single();
        Assert.That(link.Key, Is.EqualTo(RowKey.Of(Stall)));
        Assert.That(right, Is.Null);
    }

    [Test]
    public void A_link_that_only_is_leads_to_what_it_knows()
    {
        _store.Apply([RowChange.Set(MadeUp.Stall, RowPart.Current, new StallCurrent { Uuid = Stall, Stable = "south" }), Named("south")]);
        var reverse = new JoinTable(MadeUp.Catalog, "stall", "stable", "stable");
        Assert.That(reverse.FromLeft(_store.Snapshot, South).Single().Right, Is.SameAs(_store.Snapshot[MadeUp.Stable].Find(South)));
    }

    [TestCase("")]
    [TestCase("no\nkey")]
    public void A_link_to_what_cannot_be_a_key_leads_nowhere(string name)
    {
        _store.Apply([Ordered(name, Foal)]);
        Assert.That(_stalls.FromRight(_store.Snapshot, RowKey.Of(Foal)).Single().Left, Is.Null);
    }

    [TestCase("uuid")]
    [TestCase("no_such_column")]
    public void Only_indexed_references_can_be_joined(string column) =>
        Assert.That(() => new JoinTable(MadeUp.Catalog, "stall", "stable", column), Throws.ArgumentException.With.Message.Contains(column));

    private static RowChange Ordered(string stable, Guid? foal) =>
        RowChange.Set(MadeUp.Stall, RowPart.Desired, new StallDesired { Uuid = Stall, Stable = stable, Foal = foal });

    private static RowChange Named(string stable) =>
        RowChange.Set(MadeUp.Stable, RowPart.Desired, new StableDesired { Name = stable });
}
