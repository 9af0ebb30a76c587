using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Control;

namespace PonyCloud.Sparkle.Tests.Control;

/// <summary>What the controller speaks to hosts with.</summary>
[TestFixture]
public sealed class EpochTests
{
    private Controller _controller = null!;

    [SetUp]
    public void Make() => _controller = new Controller(EntityCatalog.Load(), []);

    [Test]
    public void There_is_none_before_the_first_load() => Assert.That(_controller.Epoch, Is.Null);

    [Test]
    public void It_comes_with_the_load()
    {
        _controller.Load([], 7);

        Assert.That(_controller.Epoch, Is.EqualTo(7));
    }

    [Test]
    public void One_that_was_raised_while_rows_were_on_their_way_stays()
    {
        _controller.Load([], 7);
        _controller.SetEpoch(12);

        _controller.Load([], 7);

        Assert.That(_controller.Epoch, Is.EqualTo(12));
    }

    [Test]
    public void One_that_was_superseded_has_none_until_it_loads_anew()
    {
        _controller.Load([], 7);
        _controller.SetEpoch(null);
        Assert.That(_controller.Epoch, Is.Null);

        _controller.Load([], 9);

        Assert.That(_controller.Epoch, Is.EqualTo(9));
    }
}
