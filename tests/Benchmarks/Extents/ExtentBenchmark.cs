using System.Diagnostics;
using System.Globalization;
using PonyCloud.Sparkle.Placement.Extents;

namespace PonyCloud.Benchmarks.Extents;

/// <summary>
/// How often a second a volume of a pool that is four fifths full goes and another one comes, of another size, for pools of
/// several sizes; against the first fit, and against the rows that PostgreSQL takes.
/// </summary>
internal static class ExtentBenchmark
{
    private const int Disks = 16;
    private const int LargestVolume = 4000;
    private const int Rounds = 3;

    private static readonly int[] Sizes = [1_000, 10_000, 100_000];
    private static readonly TimeSpan RoundTime = TimeSpan.FromMilliseconds(500);

    public static async Task<IEnumerable<Result>> RunAsync()
    {
        Measure(Sizes[0]); // Warms up.
        var rates = Sizes.Select(size => (Size: size, Rates: Measure(size))).ToList();
        var (_, largest) = rates[^1];
        var lines = rates.Select(rate => new Result(
            $"extents given and freed among {Text(rate.Size)} volumes", rate.Rates.Allocator, "operations/s",
            "first gap of a list", rate.Rates.FirstFit, rate.Size == Sizes[^1] ? 2 : null)).ToList();
        var again = $"the same, {Text(Sizes[^1])} volumes";
        lines.Add(new Result(again, largest.Allocator, "operations/s", $"{Text(Sizes[0])} volumes", rates[0].Rates.Allocator));
        var (byHand, byController) = await ExtentInserts.RunAsync();
        lines.Add(new Result(again, largest.Allocator, "operations/s", "extents that PostgreSQL takes", byHand, 10));
        lines.Add(new Result("volumes made, until they have extents", byController, "volumes/s", "extents that PostgreSQL takes", byHand));
        return lines;
    }

    private static (double Allocator, double FirstFit) Measure(int volumes)
    {
        var allocator = new ExtentAllocator();
        var firstFit = new FirstFit();
        long diskSize = (long)volumes * LargestVolume / 2 * 5 / 4 / Disks;
        for (var disk = 0; disk < Disks; disk++)
        {
            allocator.SetDisk($"disk{disk}", diskSize);
            firstFit.AddDisk($"disk{disk}", diskSize);
        }
        var ofAllocator = new Churn(volumes, LargestVolume, Give, allocator.Free);
        var ofFirstFit = new Churn(volumes, LargestVolume, firstFit.Give, firstFit.Free);
        var (allocated, fitted) = (new List<double>(), new List<double>());
        for (var round = 0; round < Rounds; round++)
        {
            allocated.Add(ofAllocator.Run(RoundTime));
            fitted.Add(ofFirstFit.Run(RoundTime));
        }
        return (Median(allocated), Median(fitted));

        void Give(Guid volume, long size)
        {
            if (allocator.Grow(volume, size, out var why) is null)
                throw new InvalidOperationException(why?.Words);
        }
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private static string Text(int number) => number.ToString("#,0", CultureInfo.InvariantCulture);

    /// <summary>Volumes that go and come, the same ones in every run.</summary>
    private sealed class Churn
    {
        private readonly Random _random = new(1);
        private readonly int _largest;
        private readonly Action<Guid, long> _give;
        private readonly Action<Guid> _free;
        private readonly Guid[] _volumes;
        private int _made;

        public Churn(int volumes, int largest, Action<Guid, long> give, Action<Guid> free)
        {
            (_largest, _give, _free) = (largest, give, free);
            _volumes = new Guid[volumes];
            for (var i = 0; i < volumes; i++)
                Make(i);
        }

        /// <summary>Operations per second, both kinds counted.</summary>
        public double Run(TimeSpan time)
        {
            var start = Stopwatch.GetTimestamp();
            long operations = 0;
            for (; Stopwatch.GetElapsedTime(start) < time; operations += 2)
            {
                var place = _random.Next(_volumes.Length);
                _free(_volumes[place]);
                Make(place);
            }
            return operations / Stopwatch.GetElapsedTime(start).TotalSeconds;
        }

        private void Make(int place)
        {
            _volumes[place] = new Guid(++_made, 0, 0, new byte[8]);
            _give(_volumes[place], _random.Next(1, _largest));
        }
    }
}
