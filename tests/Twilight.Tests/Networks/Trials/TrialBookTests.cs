using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Networks;
using PonyCloud.Twilight.Networks.Layout;
using PonyCloud.Twilight.Networks.Model;
using PonyCloud.Twilight.Networks.Trials;
using static PonyCloud.Twilight.Tests.Networks.Hosts;

namespace PonyCloud.Twilight.Tests.Networks.Trials;

public sealed class TrialBookTests
{
    private static readonly HostOrders Old = Orders(Bond(), [Nic(CardA)], Role(NetRole.Management, "192.0.2.20"));
    private static readonly HostOrders New = Orders(Bond(BondMode.Lacp), [Nic(CardA)], Role(NetRole.Management, "192.0.2.20"));
    private static readonly HostOrders Newer = Orders(Bond(mtu: 9000), [Nic(CardA)], Role(NetRole.Management, "192.0.2.20"));
    private static readonly BootedNetwork Had = new([new BootedCard(CardA, ["192.0.2.10/24"], [])]);

    [Test]
    public void What_was_heard_of_is_what_works()
    {
        var book = TrialBook.Empty.Begin(Old, Had, Booted);
        Assert.That(book.Effective(Old), Is.EqualTo(Old));
        Assert.That(book.Confirm(), Is.EqualTo(new TrialBook(Old, Had)));
    }

    [Test]
    public void What_was_not_heard_of_is_refused_until_other_orders_come()
    {
        var book = TrialBook.Empty.Settle(Old, BootedNetwork.None).Begin(New, Had, Booted).Expire("silence");
        Assert.That(book.Running, Is.Null);
        Assert.That(book.Booted, Is.EqualTo(BootedNetwork.None));
        Assert.That(book.Effective(New), Is.EqualTo(Old));
        Assert.That(book.WhyRefused(New), Is.EqualTo("silence"));
        Assert.That(book.Order(New).Effective(New), Is.EqualTo(Old));
        Assert.That(book.Order(Newer).Effective(Newer), Is.EqualTo(Newer));
        Assert.That(book.Order(Newer).Order(New).Effective(New), Is.EqualTo(New), "the same once more, after others");
    }

    [Test]
    public void Orders_that_change_in_the_middle_fall_back_to_what_was_before_all_of_them()
    {
        var book = TrialBook.Empty.Settle(Old, BootedNetwork.None).Begin(New, Had, Booted).Begin(Newer, Had, new NamespaceState());
        Assert.That(book.Running!.Before.Addresses, Is.EquivalentTo(Booted.Addresses));
        Assert.That(book.Running.BootedBefore, Is.EqualTo(BootedNetwork.None));
        Assert.That(book.Expire("silence").Confirmed, Is.EqualTo(Old));
        Assert.That(book.Confirm().Confirmed, Is.EqualTo(Newer));
    }

    [Test]
    public void A_trial_that_is_being_taken_back_is_never_what_works()
    {
        var book = TrialBook.Empty.Settle(Old, BootedNetwork.None).Begin(New, Had, Booted).GiveUp();
        Assert.That(book.Running!.IsGivenUp);
        Assert.That(book.GiveUp(), Is.EqualTo(book), "it goes on");
        Assert.That(() => book.Confirm(), Throws.InvalidOperationException);
        Assert.That(book.Expire("silence").Effective(New), Is.EqualTo(Old));
        Assert.That(book.Expire("silence").Booted, Is.EqualTo(BootedNetwork.None));
        Assert.That(TrialBook.Empty.GiveUp(), Is.EqualTo(TrialBook.Empty), "nothing runs");
    }

    [Test]
    public void Orders_beside_the_path_stand_and_fall_with_the_trial_that_runs()
    {
        var book = TrialBook.Empty.Settle(Old, BootedNetwork.None).Begin(New, BootedNetwork.None, Booted).Settle(Newer, BootedNetwork.None);
        Assert.That(book.Confirmed, Is.EqualTo(Old));
        Assert.That(book.Confirm().Confirmed, Is.EqualTo(Newer));
        Assert.That(book.Expire("silence").WhyRefused(Newer), Is.EqualTo("silence"));
    }

    [Test]
    public void What_the_host_booted_with_may_go_once_a_management_address_works()
    {
        var book = TrialBook.Empty.Begin(Old, Had, Booted);
        Assert.That(book.MayRetire(Old), Is.False, "still tried");
        book = book.Confirm();
        Assert.That(book.MayRetire(Old));
        Assert.That(book.MayRetire(New), Is.False, "not known to work");
        Assert.That((book with { Confirmed = Orders(Bond(), [Nic(CardA)]) }).MayRetire(Orders(Bond(), [Nic(CardA)])), Is.False, "nothing takes its place");

        var tried = book.Begin(Old, Had.Retired(), Booted);
        Assert.That(tried.Confirm().MayRetire(Old), Is.False, "gone already");
        var refused = tried.Expire("silence");
        Assert.That(refused.Booted, Is.EqualTo(Had));
        Assert.That(refused.MayRetire(Old), Is.False, "tried in vain");
        Assert.That(refused.Effective(Old), Is.EqualTo(Old), "the orders themselves are good");
        Assert.That(refused.WhyRefused(Old), Is.Null);
    }

    [Test]
    public void The_book_survives_its_agent()
    {
        using var directory = new TemporaryDirectory();
        var file = new TrialFile(directory["book"]);
        Assert.That(file.Read(), Is.EqualTo(TrialBook.Empty));
        var book = TrialBook.Empty.Settle(Old, BootedNetwork.None).Begin(New, Had, Booted).GiveUp();
        file.Write(book);
        var read = new TrialFile(directory["book"]).Read();
        Assert.That(read.Confirmed, Is.EqualTo(Old));
        Assert.That(read.Running!.Tried, Is.EqualTo(New));
        Assert.That(read.Running.IsGivenUp);
        Assert.That(read.Running.Before.Addresses, Is.EqualTo(book.Running!.Before.Addresses));
        Assert.That(read.Running.Before.Routes, Is.EqualTo(book.Running.Before.Routes));
        Assert.That(read.Running.Before.Cards, Is.EqualTo(book.Running.Before.Cards));
        Assert.That(read.Booted.Cards.Single().Addresses, Is.EqualTo(Had.Cards.Single().Addresses));
        File.WriteAllText(directory["book"], "{");
        Assert.That(() => file.Read(), Throws.TypeOf<InvalidDataException>().With.Message.Contains("is not the book of trials"));
    }

    [Test]
    public void What_somebody_else_had_is_given_back_and_only_that()
    {
        var before = BeforeTrial.Of(Booted);
        Assert.That(before.Missing(Booted), Is.Empty);
        var after = Booted.With(Booted.Links["eth0"] with { IsUp = false }) with { Addresses = [], Routes = [] };
        Assert.That(before.Missing(after), Is.EqualTo(new NetworkStep[]
        {
            new NetworkStep.ChangeLink("", new Link { Name = "eth0", Kind = LinkKind.Card, IsUp = true, Mtu = 1500, Master = "" }),
            new NetworkStep.AddAddress("", new LinkAddress("eth0", "192.0.2.10/24", IsOurs: false)),
            new NetworkStep.AddRoute("", new Route("default", false, "192.0.2.1", "eth0", IsOurs: false)),
        }));
        Assert.That(before.Missing(new NamespaceState()), Is.Empty, "the card was pulled out");
    }
}
