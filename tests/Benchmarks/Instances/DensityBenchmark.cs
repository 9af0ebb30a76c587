using PonyCloud.Benchmarks.Fleet;
using PonyCloud.TestKit.Guests;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Hypervisor.Libvirt;
using PonyCloud.Twilight.Instances;

namespace PonyCloud.Benchmarks.Instances;

/// <summary>
/// What it costs a host's agent to have many instances: passes of its loop, rest, memory. On libvirt's test driver, which answers
/// from memory in this very process, it is the agent's own share; on QEMU each question goes to libvirtd and back.
/// </summary>
internal static class DensityBenchmark
{
    private const int Few = 20;
    private const int Many = 200;
    private const int Passes = 200;
    private const int Pauses = 20;
    private const int WarmPasses = 100;

    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(60);

    public static async IAsyncEnumerable<ResultLine> RunAsync()
    {
        using var directory = new TemporaryDirectory("density");
        await foreach (var line in OnTestDriverAsync(directory))
            yield return line;
        await foreach (var line in OnQemuAsync(directory))
            yield return line;
    }

    private static async IAsyncEnumerable<ResultLine> OnTestDriverAsync(TemporaryDirectory directory)
    {
        Figures few;
        await using (var alone = TestDriver())
            few = await MeasureAsync(alone, Few);
        await using var host = TestDriver();
        var many = await MeasureAsync(host, Many);
        yield return Line("a pass in which nothing changed", few.Pass, many.Pass);
        yield return Line("one of them pauses or goes on, from the order until it is told", few.Pause, many.Pause);
        yield return new Limit(
            "managed memory of an instance, rows, domain and what is remembered", (many.Bytes - few.Bytes) / (double)(Many - Few), "B", 32_768);
        yield return new Limit($"CPU of a minute at rest with {Many}", await RestAsync(), "ms", 600);

        InstanceHost TestDriver() => new("test:///default", Options(directory, new DisklessBoot.Bios()), "test");
    }

    private static async IAsyncEnumerable<ResultLine> OnQemuAsync(TemporaryDirectory directory)
    {
        await using var libvirtd = await PrivateLibvirtd.StartAsync();
        var rom = Path.Combine(libvirtd.Directory, "density.rom");
        RomGuest.Write(rom);
        await using var host = new InstanceHost(libvirtd.Uri, Options(directory, new DisklessBoot.Rom(rom)), "qemu");
        var few = await MeasureAsync(host, Few);
        using var session = LibvirtSession.Open(new LibvirtOptions { Uri = libvirtd.Uri }, new Unheard());
        List<double> looks = [], bare = [];
        for (var i = 0; i < Passes; i++)
        {
            looks.Add(await Timing.OfAsync(() => host.Hypervisor.ScanAsync(CancellationToken.None)));
            bare.Add(await Timing.OfAsync(() => Task.Run(() => ReadStates(session))));
        }
        yield return new Result($"QEMU: a look at {Few} domains on which nothing happens", looks.At(0.5), "ms", "one call for the states of all", bare.At(0.5), 3, HigherIsBetter: false);
        yield return new Result($"QEMU: a pass in which nothing changed, {Few} instances", few.Pass, "ms", "the look", looks.At(0.5));
        yield return new Result("QEMU: one of them pauses or goes on, from the order until it is told", few.Pause, "ms", "a pass in which nothing changed", few.Pass);
        yield return new Limit($"QEMU: CPU of a minute at rest with {Few}", await RestAsync(), "ms", 600);
    }

    private static async Task<Figures> MeasureAsync(InstanceHost host, int count)
    {
        await host.StartAsync(count);
        await host.PassesAsync(WarmPasses);
        var passes = await host.PassesAsync(Passes);
        var pauses = await host.PausesAsync(Pauses);
        return new Figures(passes.At(0.5), pauses.At(0.5), GC.GetTotalMemory(forceFullCollection: true));
    }

    private static Result Line(string what, double few, double many) => new(
        $"{what}, {Many} instances", many, "ms", $"{Few} instances", few, Many / (double)Few * 1.2, HigherIsBetter: false);

    private static DomainOptions Options(TemporaryDirectory directory, DisklessBoot boot) => new()
    {
        Accelerator = Accelerator.Tcg,
        ConsoleDirectory = directory.Path,
        Boot = boot,
    };

    /// <summary>Processor time of this process while nothing happens, but for one pass of the safety interval.</summary>
    private static async Task<double> RestAsync()
    {
        var figures = new ProcessFigures(Environment.ProcessId);
        using var timer = new PeriodicTimer(Rest);
        var before = figures.Cpu;
        await timer.WaitForNextTickAsync();
        return (figures.Cpu - before).TotalMilliseconds;
    }

    private static void ReadStates(LibvirtSession session)
    {
        foreach (var state in LibvirtStatistics.ReadStates(session.Handle))
            state.Domain.Dispose();
    }

    /// <param name="Pass">Median milliseconds.</param>
    /// <param name="Pause">Median milliseconds.</param>
    /// <param name="Bytes">Managed memory of the process.</param>
    private sealed record Figures(double Pass, double Pause, long Bytes);

    private sealed class Unheard : ILibvirtListener
    {
        public void OnClosed(int reason)
        {
        }

        public void OnHappened(Guid subject, string what)
        {
        }
    }
}
