using Newtonsoft.Json.Linq;
using NUnit.Framework;
using PonyCloud.EndToEnd.Tests.Networks;
using PonyCloud.TestKit.Guests;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.EndToEnd.Tests.CloudInit;

/// <summary>An image of Debian becomes machines of a tenant's, by its own cloud-init, with what the tenant wrote into rows.</summary>
[NonParallelizable]
public sealed class CloudInitTests : NetworkFixture
{
    private const int MemoryMiB = 512;
    private const int DiskMiB = 3072;

    private readonly TemporaryDirectory _directory = new("cloud-init");
    private CloudTenant _tenant = null!;
    private CloudSwitch _switch = null!;
    private Guid _pool;
    private Guid _image;
    private string _key = null!;

    [Test]
    public async Task Instances_take_their_names_keys_user_data_and_addresses_from_the_platform()
    {
        var web = await StartAsync("web", isConnected: true);
        var neighbour = await StartAsync("neighbour", isConnected: true);
        var lonely = await StartAsync("lonely", isConnected: false);

        foreach (var one in new[] { web, neighbour, lonely })
        {
            await SaysAsync(one.Uuid, $"{one.Name} login:");
            await SaysAsync(one.Uuid, $"the user data of {one.Name} has run");
            await SaysAsync(one.Uuid, _key);
        }
        foreach (var one in new[] { web, neighbour })
        {
            Assert.That(
                await ShellAsync(one.Address!, "cloud-id; hostname --fqdn; sudo cat /var/lib/cloud/data/instance-id"),
                Is.EqualTo($"openstack\n{one.Name}.internal\n{one.Uuid}"));
        }
        // From one to the other, over the tenant's network, by name.
        Assert.That(await ShellAsync(web.Address!, "timeout 20 bash -c 'head -c 4 </dev/tcp/neighbour.internal/22'"), Is.EqualTo("SSH-"));
    }

    [OneTimeTearDown]
    public void Tidy() => _directory.Dispose();

    protected override async Task PrepareAsync()
    {
        await base.PrepareAsync();
        var disk = await DebianDisk.MakeAsync();
        await ChildProcess.RunAsync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "somebody", "-f", _directory["key"]]);
        _key = (await File.ReadAllTextAsync(_directory["key.pub"])).Trim();
        _tenant = await TenantAsync("debian");
        _switch = await SwitchAsync(_tenant, "lan", "10.0.0.0/24");
        _pool = await Alicorn.CreateAsync("/storage-pool", new { name = "local", type = "dir", config = new { path = _directory["pool"] } });
        await Alicorn.PostAsync($"/storage-pool/{_pool}/host", new { desired = new { host = Hosts[0].Uuid } });
        await Alicorn.PostAsync($"/tenant/{_tenant.Uuid}/quota", new { desired = new { type = "storage", limit = 1_000_000, storage_pool = _pool } });
        _image = await Alicorn.CreateAsync("/image", new { name = "debian", source_uri = $"file://{disk}" });
        await Alicorn.ReplaceAsync($"/host/{Hosts[1].Uuid}", "state", "evacuated");
    }

    /// <summary>Makes an instance with a disk of the image, and a card if it is to have one, and starts it.</summary>
    private async Task<Machine> StartAsync(string name, bool isConnected)
    {
        var volume = await _tenant.Api.CreateAsync($"/tenant/{_tenant.Uuid}/volume", new { name, size = DiskMiB, storage_pool = _pool, base_image = _image });
        var uuid = await _tenant.Api.CreateAsync($"/tenant/{_tenant.Uuid}/instance", new
        {
            name,
            state = "stopped",
            vcpu = 1,
            mem = MemoryMiB,
            ssh_keys = new[] { _key },
            user_data = $$"""
                #cloud-config
                runcmd:
                  - [sh, -c, "echo the user data of $(hostname) has run >/dev/ttyS0; cat /home/{{DebianDisk.User}}/.ssh/authorized_keys >/dev/ttyS0"]
                """,
        });
        var path = $"/tenant/{_tenant.Uuid}/instance/{uuid}";
        await _tenant.Api.CreateAsync($"{path}/vdisk", new { volume });
        string? address = null;
        if (isConnected)
        {
            var card = await _tenant.Api.CreateAsync($"{path}/vnic", new { @switch = _switch.Uuid });
            var row = await _tenant.Api.CreateAsync($"{path}/vnic/{card}/address", new { network = _switch.Network });
            address = (await _tenant.Api.GetAsync($"{path}/vnic/{card}/address/{row}")).SelectToken("desired.ip")!.Value<string>();
        }
        await _tenant.Api.ReplaceAsync(path, "state", "running");
        return new Machine(name, uuid, address);
    }

    private async Task SaysAsync(Guid instance, string text)
    {
        try
        {
            await Eventually.SeesAsync(
                $"the guest to say '{text}'", _ => Task.FromResult(Hosts[0].Console(instance)), console => console.Contains(text, StringComparison.Ordinal),
                DebianDisk.BootLimit);
        }
        catch (AssertionException)
        {
            TestContext.Out.WriteLine(await _tenant.Api.GetAsync($"/tenant/{_tenant.Uuid}/instance/{instance}"));
            throw;
        }
    }

    /// <summary>Runs a line by SSH from the namespace of the switch, once the guest lets somebody in and cloud-init has ended.</summary>
    private async Task<string> ShellAsync(string address, string line)
    {
        string[] ssh =
        [
            "ip", "netns", "exec", CloudHost.SpaceOf(_switch.Uuid), "ssh", "-q", "-i", _directory["key"], "-o", "BatchMode=yes", "-o", "ConnectTimeout=10",
            "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", $"{DebianDisk.User}@{address}",
        ];
        await Eventually.SeesAsync(
            $"{address} to let somebody in", async _ => await Hosts[0].RunAsync("sh", ["-c", "\"$@\" true && echo in || echo out", "sh", .. ssh]),
            said => said.EndsWith("in", StringComparison.Ordinal), DebianDisk.BootLimit);
        return (await Hosts[0].RunAsync("timeout", ["50", .. ssh, line])).Trim();
    }

    private sealed record Machine(string Name, Guid Uuid, string? Address);
}
