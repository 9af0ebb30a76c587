using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Networks.Serving;

namespace PonyCloud.TestKit.Network;

/// <summary>What holds of services of switches, whatever they are made of.</summary>
public abstract class SwitchServicesContract
{
    /// <summary>Has a namespace, with the address <see cref="Own"/>.</summary>
    protected static readonly Guid Switch = Guid.Parse("51000000-0000-4000-8000-00000000000a");

    protected const string Own = "10.7.0.1";

    private static readonly Guid Host = Guid.Parse("0a000000-0000-4000-8000-00000000000a");

    private static readonly NetworkDesired Network = new()
    {
        Uuid = Guid.Parse("4e000000-0000-4000-8000-00000000000a"),
        Switch = Switch,
        Range = "10.7.0.0/24",
        Dhcp = true,
        ServiceAddress = Own,
    };

    private static readonly SwitchService Service = new()
    {
        Switch = Switch,
        Host = Host,
        Mtu = 1500,
        Networks = [Network],
        Ports = [Port("first")],
    };

    protected abstract ISwitchServices Services { get; }

    /// <summary>Whether somebody who asks on the switch for an address under the name is told one.</summary>
    protected abstract Task<bool> AnswersAsync(string name);

    protected abstract Task RemoveNamespaceAsync();

    protected abstract Task MakeNamespaceAsync();

    [Test]
    public async Task What_is_wanted_is_answered()
    {
        var report = await ApplyAsync(Service);

        Assert.That((report.Problems.Count, report.LookAgain is not null), Is.EqualTo((0, true)));
        Assert.That((await AnswersAsync("first.internal"), await AnswersAsync("second.internal")), Is.EqualTo((true, false)));
    }

    [Test]
    public async Task What_changes_is_answered_and_what_was_is_not()
    {
        await ApplyAsync(Service);
        await ApplyAsync(Service with { Ports = [Port("second")] });

        Assert.That((await AnswersAsync("first.internal"), await AnswersAsync("second.internal")), Is.EqualTo((false, true)));
    }

    [Test]
    public async Task What_is_withdrawn_is_not_answered()
    {
        await ApplyAsync(Service);
        var report = await ApplyAsync();

        Assert.That((report.Problems.Count, report.LookAgain), Is.EqualTo((0, (TimeSpan?)null)));
        Assert.That(await AnswersAsync("first.internal"), Is.False);
    }

    [Test]
    public async Task A_network_without_dhcp_is_not_answered()
    {
        await ApplyAsync(Service);
        var report = await ApplyAsync(Service with { Networks = [Network with { Dhcp = false }] });

        Assert.That(report.Problems, Is.Empty);
        Assert.That(await AnswersAsync("first.internal"), Is.False);
    }

    [Test]
    public async Task What_cannot_be_served_is_told_and_the_rest_is_answered()
    {
        var report = await ApplyAsync(Service with { Networks = [Network, Network with { Uuid = Guid.Parse("4e000000-0000-4000-8000-00000000000b"), VlanTag = 2 }] });

        Assert.That(report.Problems[Switch].Single(), Does.Contain(Network.Range));
        Assert.That(await AnswersAsync("first.internal"), Is.True);
    }

    [Test]
    public async Task Without_a_namespace_nothing_is_served_and_with_one_again()
    {
        await ApplyAsync(Service);
        await RemoveNamespaceAsync();
        var report = await ApplyAsync(Service);
        Assert.That(report.Problems[Switch].Single(), Does.Contain("namespace"));
        Assert.That(report.LookAgain, Is.Not.Null);

        await MakeNamespaceAsync();
        report = await ApplyAsync(Service);
        Assert.That(report.Problems, Is.Empty);
        Assert.That(await AnswersAsync("first.internal"), Is.True);
    }

    [Test]
    public void A_call_that_is_withdrawn_says_so() =>
        Assert.That(async () => await Services.ApplyAsync([Service], new CancellationToken(canceled: true)), Throws.InstanceOf<OperationCanceledException>());

    private Task<ServingReport> ApplyAsync(params SwitchService[] wanted) => Services.ApplyAsync(wanted, CancellationToken.None);

    private static SwitchPortDesired Port(string name) => new()
    {
        Vnic = Guid.Parse("ca000000-0000-4000-8000-00000000000a"),
        Switch = Switch,
        Host = Host,
        Macaddr = "02:aa:00:00:00:0a",
        Name = name,
        Addresses = TextList.Of(["10.7.0.10"]),
    };
}
