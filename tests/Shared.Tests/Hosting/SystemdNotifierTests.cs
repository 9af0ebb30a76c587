using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using NUnit.Framework;
using PonyCloud.Shared.Hosting;

namespace PonyCloud.Shared.Tests.Hosting;

/// <summary>With a real datagram socket in the place of systemd's.</summary>
[TestFixture]
public sealed class SystemdNotifierTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private string _directory = "";

    [SetUp]
    public void MakeDirectory() => _directory = Directory.CreateTempSubdirectory("ponycloud-notify-").FullName;

    [TearDown]
    public void RemoveDirectory() => Directory.Delete(_directory, recursive: true);

    [TestCase(false)]
    [TestCase(true)]
    public async Task Readiness_and_the_stop_are_told_in_order(bool isAbstract)
    {
        var name = isAbstract ? "@ponycloud-" + Guid.NewGuid() : Path.Combine(_directory, "notify");
        using var systemd = Listen(name);
        using var host = Build(new SystemdEnvironment(name, null));
        var health = host.Services.GetRequiredService<DaemonHealth>();
        await host.StartAsync();

        health.ReportStatus("loading\nrows");
        Assert.That(await NextAsync(systemd), Is.EqualTo("STATUS=loading rows"));
        health.MarkReady();
        Assert.That(await NextAsync(systemd), Is.EqualTo("READY=1"));
        await host.StopAsync();
        Assert.That(await NextAsync(systemd), Is.EqualTo("STOPPING=1"));
    }

    [Test]
    public async Task A_daemon_that_stops_before_it_was_ready_never_says_ready()
    {
        var name = Path.Combine(_directory, "notify");
        using var systemd = Listen(name);
        using var host = Build(new SystemdEnvironment(name, TimeSpan.FromMilliseconds(10)));
        await host.StartAsync();

        await host.StopAsync();

        Assert.That(await NextAsync(systemd), Is.EqualTo("STOPPING=1"));
        Assert.That(systemd.Available, Is.Zero);
    }

    [Test]
    public async Task The_watchdog_is_fed_only_while_all_checks_say_yes()
    {
        var name = Path.Combine(_directory, "notify");
        using var systemd = Listen(name);
        using var host = Build(new SystemdEnvironment(name, TimeSpan.FromMilliseconds(20)));
        var health = host.Services.GetRequiredService<DaemonHealth>();
        var alive = true;
        using var asked = new SemaphoreSlim(0);
        health.AddCheck("loop", () =>
        {
            asked.Release();
            return Volatile.Read(ref alive);
        });
        await host.StartAsync();
        health.MarkReady();

        Assert.That(await NextAsync(systemd), Is.EqualTo("READY=1"));
        for (var i = 0; i < 3; i++)
            Assert.That(await NextAsync(systemd), Is.EqualTo("WATCHDOG=1"));

        Volatile.Write(ref alive, false);
        // A question that began before may still be answered with yes; none that begins after two more may.
        for (var i = 0; i < 2 + asked.CurrentCount; i++)
            Assert.That(await asked.WaitAsync(Limit), Is.True);
        while (systemd.Available > 0)
            Assert.That(await NextAsync(systemd), Is.EqualTo("WATCHDOG=1"));
        for (var i = 0; i < 3; i++)
            Assert.That(await asked.WaitAsync(Limit), Is.True);
        Assert.That(systemd.Available, Is.Zero);
        await host.StopAsync();
        Assert.That(await NextAsync(systemd), Is.EqualTo("STOPPING=1"));
    }

    [Test]
    public async Task A_daemon_runs_without_systemd_and_with_a_socket_that_is_gone()
    {
        foreach (var name in (string?[])[null, Path.Combine(_directory, "gone")])
        {
            using var host = Build(new SystemdEnvironment(name, TimeSpan.FromSeconds(1)));
            await host.StartAsync();
            host.Services.GetRequiredService<DaemonHealth>().MarkReady();
            await host.StopAsync();
            var notifier = host.Services.GetServices<IHostedService>().OfType<SystemdNotifier>().Single();
            Assert.That(notifier.ExecuteTask, Has.Property("IsCompleted").True.And.Property("IsFaulted").False);
        }
    }

    [TestCase("5000000", null, ExpectedResult = 5.0)]
    [TestCase("5000000", "42", ExpectedResult = 5.0)]
    [TestCase("5000000", "43", ExpectedResult = null)]
    [TestCase("soon", null, ExpectedResult = null)]
    [TestCase("0", null, ExpectedResult = null)]
    [TestCase(null, null, ExpectedResult = null)]
    public double? A_watchdog_counts_when_it_is_for_this_process(string? microseconds, string? pid)
    {
        var environment = new List<KeyValuePair<string, string>> { KeyValuePair.Create("NOTIFY_SOCKET", "/run/notify") };
        if (microseconds is not null)
            environment.Add(KeyValuePair.Create("WATCHDOG_USEC", microseconds));
        if (pid is not null)
            environment.Add(KeyValuePair.Create("WATCHDOG_PID", pid));
        return SystemdEnvironment.From(environment, processId: 42).WatchdogTimeout?.TotalSeconds;
    }

    private static Socket Listen(string name)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(name[0] == '@' ? '\0' + name[1..] : name));
        return socket;
    }

    private static IHost Build(SystemdEnvironment environment)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Services.AddSingleton(environment).AddSingleton<DaemonHealth>().AddSingleton(TimeProvider.System);
        builder.Services.AddHostedService<SystemdNotifier>();
        return builder.Build();
    }

    private static async Task<string> NextAsync(Socket socket)
    {
        using var limit = new CancellationTokenSource(Limit);
        var buffer = new byte[1024];
        var length = await socket.ReceiveAsync(buffer, SocketFlags.None, limit.Token);
        return Encoding.UTF8.GetString(buffer, 0, length);
    }
}
