using Newtonsoft.Json.Linq;
using NUnit.Framework;
using NUnit.Framework.Interfaces;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Guests;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Networks.Model;

namespace PonyCloud.Twilight.Tests.Metadata;

/// <summary>
/// Debian with its own cloud-init, on a machine that is told of itself by the service. What takes the whole platform (a second one that
/// has its own, one without a network that has a disk) is shown from end to end.
/// </summary>
public sealed class DebianGuestTests
{
    private const string UserData = """
        #cloud-config
        runcmd:
          - [sh, -c, "echo the user data of $(hostname) has run >/dev/ttyS0"]
          - [sh, -c, "cat /home/debian/.ssh/authorized_keys >/dev/ttyS0"]
        """;

    private static readonly VnicDesired WebCard = MetadataScene.Card(1, MetadataScene.Web, MetadataScene.Switch, 0);
    private static readonly VnicDesired NeighbourCard = MetadataScene.Card(3, MetadataScene.Neighbour, MetadataScene.Switch, 0);

    private TemporaryDirectory _directory = null!;
    private MetadataHost _host = null!;
    private EmulatedGuest _web = null!;
    private string _key = null!;

    [OneTimeSetUp]
    public async Task BootAsync()
    {
        var disk = await DebianDisk.MakeAsync();
        _directory = new TemporaryDirectory("debian");
        await ChildProcess.RunAsync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "somebody", "-f", _directory["key"]]);
        _key = (await File.ReadAllTextAsync(_directory["key.pub"])).Trim();
        _host = await MetadataHost.StartAsync();
        _host.Set("switch", MetadataScene.Orders.Switches[0]);
        // Without a gateway, so only what DHCP says of the way leads there.
        _host.Set("network", MetadataScene.Leased with { Gateway = null });
        _host.Add(
            Row(MetadataScene.WebRow), WebCard,
            MetadataScene.Address(1, 1, MetadataScene.Leased, "10.0.0.1"), MetadataScene.Address(2, 1, MetadataScene.Leased, "10.0.0.2"));
        _host.Add(
            Row(MetadataScene.Orders.Instances[MetadataScene.Neighbour]) with { UserData = null }, NeighbourCard,
            MetadataScene.Address(7, 3, MetadataScene.Leased, "10.0.0.3"));
        Assert.That((await _host.ApplyAsync(withTaps: true)).Problems, Is.Empty);
        _web = await EmulatedGuest.StartAsync(
            _host.Space, MetadataScene.Web, disk, _directory.Path, (LinkNames.Tap(WebCard.Uuid), WebCard.Macaddr!), seed: null);
    }

    [TearDown]
    public void Explain()
    {
        if (TestContext.CurrentContext.Result.Outcome.Status == TestStatus.Failed)
            TestContext.Out.WriteLine(_web.Console);
    }

    [OneTimeTearDown]
    public async Task EndAsync()
    {
        await _web.DisposeAsync();
        await _host.DisposeAsync();
        _directory.Dispose();
    }

    [Test]
    public async Task By_the_service_it_has_its_name_its_key_its_user_data_and_its_addresses()
    {
        await _web.SaysAsync("web login:", DebianDisk.BootLimit);
        await _web.SaysAsync("the user data of web has run", DebianDisk.BootLimit);

        Assert.That(await ShellAsync("10.0.0.1", "cloud-id; hostname --fqdn; sudo cat /var/lib/cloud/data/instance-id"), Is.EqualTo(
            $"openstack\nweb.internal\n{MetadataScene.Web}"));
        // The first by DHCP, the second since the service says so.
        Assert.That(await ShellAsync("10.0.0.2", "ip -4 -brief address show scope global | awk '{ print $3, $4 }'"), Does.Contain("10.0.0.1/24").And.Contain("10.0.0.2/24"));
        Assert.That(await ShellAsync("10.0.0.1", $"ip route get {MetadataAddress.Text}"), Does.Contain("via 10.0.0.253"));
        Assert.That(await ShellAsync("10.0.0.1", "resolvectl dns; resolvectl query neighbour.internal"), Does.Contain("10.0.0.253").And.Contain("10.0.0.3"));
        // It has grown to its disk.
        Assert.That(int.Parse(await ShellAsync("10.0.0.1", "df --output=size -BM / | tail -1 | tr -d ' M'")), Is.GreaterThan(2500));
    }

    [Test]
    public async Task What_reads_EC2_finds_all_there()
    {
        var script = await File.ReadAllTextAsync(Repository.At("tests", "Twilight.Tests", "Metadata", "datasource.py"));
        var said = JObject.Parse((await ShellAsync("10.0.0.1", $"sudo python3 - <<'END'\n{script}\nEND")).Split('\n').Last(line => line.StartsWith('{')));

        Assert.That(said["version"]!.Value<string>(), Is.EqualTo("2021-03-23"));
        Assert.That(said["user-data"]!.Value<string>(), Is.EqualTo(UserData));
        Assert.That(said["meta-data"]!["instance-id"]!.Value<string>(), Is.EqualTo(MetadataScene.Web.ToString()));
        Assert.That(said["meta-data"]!["local-ipv4"]!.Value<string>(), Is.EqualTo("10.0.0.1"));
        Assert.That(said["network"]!["ethernets"]!.First!.First!["addresses"]!.Values<string>(), Is.EqualTo(["10.0.0.2/24"]));
        Assert.That(said["keys"]!.Values<string>(), Is.EqualTo([_key]));
        Assert.That(said["token"]!.Value<bool>());
    }

    private InstanceDesired Row(InstanceDesired instance) => instance with
    {
        UserData = UserData,
        SshKeys = TextList.Of([_key]),
    };

    /// <summary>Runs a line by SSH, once the guest lets somebody in and cloud-init has ended.</summary>
    private async Task<string> ShellAsync(string address, string line)
    {
        string[] ssh =
        [
            "netns", "exec", LinkNames.Namespace(MetadataScene.Switch), "ssh", "-q", "-i", _directory["key"], "-o", "BatchMode=yes", "-o", "ConnectTimeout=10",
            "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", $"{DebianDisk.User}@{address}",
        ];
        await Eventually.SeesAsync(
            $"{address} to let somebody in", async _ => await _host.Space.RunAsync("sh", ["-c", "ip \"$@\" true && echo in || echo out", "sh", .. ssh]),
            said => said.EndsWith("in", StringComparison.Ordinal), DebianDisk.BootLimit);
        var (file, arguments) = _host.Space.Inside("ip", [.. ssh, $"cloud-init status --wait >/dev/null; {line}"]);
        return (await ChildProcess.RunAsync(file, arguments, DebianDisk.BootLimit)).Trim();
    }
}
