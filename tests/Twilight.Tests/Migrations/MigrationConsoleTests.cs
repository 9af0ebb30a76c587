using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Consoles;
using PonyCloud.Twilight.Instances;
using PonyCloud.Twilight.Migrations;

namespace PonyCloud.Twilight.Tests.Migrations;

/// <summary>The log of a console, from one host to another over a real connection.</summary>
[CancelAfter(60_000)]
public sealed class MigrationConsoleTests
{
    private const int Kept = 100;

    private readonly Guid _instance = Guid.NewGuid();
    private TemporaryDirectory _directory = null!;
    private NetworkStream _near = null!;
    private NetworkStream _far = null!;

    [SetUp]
    public async Task ConnectAsync()
    {
        _directory = new TemporaryDirectory("consoles");
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var client = new Socket(SocketType.Stream, ProtocolType.Tcp);
        var connecting = client.ConnectAsync(listener.LocalEndpoint);
        _far = new NetworkStream(await listener.AcceptSocketAsync(), ownsSocket: true);
        await connecting;
        _near = new NetworkStream(client, ownsSocket: true);
    }

    [TearDown]
    public void Tidy()
    {
        _near.Dispose();
        _far.Dispose();
        _directory.Dispose();
    }

    [Test]
    public async Task The_log_goes_on_with_the_same_offsets(CancellationToken cancellationToken)
    {
        Write("here", "before\n");
        var receiving = At("there").ReceiveAsync(_instance, _far, cancellationToken);

        await using (var sending = await SendAsync(cancellationToken))
        {
            Write("here", "meanwhile\n");
            await sending.EndAsync(cancellationToken);
        }
        await receiving;
        await GoOnAsync(cancellationToken);
        Write("there", "after\n");

        Assert.That(Read("there", null), Is.EqualTo((0L, "before\nmeanwhile\nafter\n")));
        Assert.That(Read("there", 7), Is.EqualTo((7L, "meanwhile\nafter\n")));
        Assert.That(Directory.GetFiles(DomainsOf("there").ConsoleDirectory), Has.Length.EqualTo(1), "nothing but the log stays");
    }

    /// <summary>More is written while it moves than is kept; the destination would keep as much, or more.</summary>
    [TestCase(Kept)]
    [TestCase(5 * Kept)]
    public async Task What_is_not_kept_any_more_is_left_out_and_said_to_be(int keptThere, CancellationToken cancellationToken)
    {
        Write("here", new string('a', Kept / 2));
        var receiving = At("there").ReceiveAsync(_instance, _far, cancellationToken);

        await using (var sending = await SendAsync(cancellationToken))
        {
            Write("here", new string('b', 2 * Kept) + new string('c', Kept));
            await sending.EndAsync(cancellationToken);
        }
        await receiving;
        await GoOnAsync(cancellationToken);

        Assert.That(Read("there", null, keptThere), Is.EqualTo((Kept / 2 + 2L * Kept, new string('c', Kept))));
        Assert.That(Read("there", 1, keptThere).Offset, Is.EqualTo(Kept / 2 + 2L * Kept), "what was before is nowhere");
    }

    [Test]
    public async Task A_log_that_came_in_part_counts_for_nothing(CancellationToken cancellationToken)
    {
        Write("here", "before\n");
        var receiving = At("there").ReceiveAsync(_instance, _far, cancellationToken);

        await (await SendAsync(cancellationToken)).DisposeAsync();

        Assert.That(async () => await receiving, Throws.InstanceOf<IOException>());
        await GoOnAsync(cancellationToken);
        Assert.That(File.Exists(DomainsOf("there").ConsoleLogOf(_instance)), Is.False);
    }

    [Test]
    public async Task What_is_longer_than_it_may_be_is_refused_and_the_move_goes_on(CancellationToken cancellationToken)
    {
        Write("here", new string('a', Kept));
        var receiving = At("there", consoleMax: Kept - 1).ReceiveAsync(_instance, _far, cancellationToken);

        await using var sending = await SendAsync(cancellationToken);
        Assert.That(async () => await receiving, Throws.InstanceOf<IOException>());
        await _far.DisposeAsync();
        await sending.EndAsync(cancellationToken);

        Assert.That(Directory.GetFiles(DomainsOf("there").ConsoleDirectory), Is.Empty);
    }

    [Test]
    public async Task A_way_that_is_closed_does_not_hold_a_move_up(CancellationToken cancellationToken)
    {
        Write("here", "before\n");

        await using var sending = await At("here").BeginAsync(_instance, _ => throw new IOException("Closed."), cancellationToken);

        Assert.That(async () => await sending.EndAsync(cancellationToken), Throws.Nothing);
    }

    [Test]
    public async Task An_instance_that_wrote_nothing_brings_nothing(CancellationToken cancellationToken)
    {
        var receiving = At("there").ReceiveAsync(_instance, _far, cancellationToken);

        await using (var sending = await SendAsync(cancellationToken))
            await sending.EndAsync(cancellationToken);
        await receiving;
        await GoOnAsync(cancellationToken);

        Assert.That(Directory.GetFiles(DomainsOf("there").ConsoleDirectory), Is.Empty);
    }

    private DomainOptions DomainsOf(string host) => new()
    {
        Accelerator = Accelerator.Tcg,
        ConsoleDirectory = Directory.CreateDirectory(_directory[host]).FullName,
    };

    private MigrationConsoles At(string host, long consoleMax = 64 << 20) => new(
        DomainsOf(host), Logs(host, Kept),
        new MigrationOptions
        {
            Directory = _directory.Path,
            HypervisorSocket = _directory["none"],
            ConsoleMax = consoleMax,
        },
        NullLogger<MigrationConsoles>.Instance);

    private ConsoleLogs Logs(string host, int kept) => new(DomainsOf(host), new ConsoleOptions { LogKept = kept });

    private Task<MigrationConsoles.Sending> SendAsync(CancellationToken cancellationToken) =>
        At("here").BeginAsync(_instance, _ => Task.FromResult<Stream>(_near), cancellationToken);

    private Task GoOnAsync(CancellationToken cancellationToken) =>
        new ConsoleFiles(DomainsOf("there"), NullLogger<ConsoleFiles>.Instance).BeforeGoingOnAsync(_instance, cancellationToken);

    /// <summary>As an emulator does it.</summary>
    private void Write(string host, string text) => File.AppendAllText(DomainsOf(host).ConsoleLogOf(_instance), text);

    private (long Offset, string Text) Read(string host, long? offset, int kept = Kept)
    {
        using var part = Logs(host, kept).Open(_instance, offset, null)!;
        var text = new byte[part.End - part.Offset];
        part.Stream.ReadExactly(text);
        return (part.Offset, Encoding.ASCII.GetString(text));
    }
}
