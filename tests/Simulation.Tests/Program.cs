using System.Collections.Concurrent;
using System.Globalization;
using PonyCloud.Simulation.Tests.Mutants;

namespace PonyCloud.Simulation.Tests;

/// <summary>As many seeds as one likes: <c>soak N [FIRST]</c>, <c>mutants [FIRST]</c>, <c>seed N</c>. Exit code 1 when something was found, or was not.</summary>
internal static class Program
{
    private static int Main(string[] arguments) => arguments switch
    {
        ["soak", var seeds] => Soak(Number(seeds), 1),
        ["soak", var seeds, var first] => Soak(Number(seeds), Number(first)),
        ["mutants"] => CatchMutants(1),
        ["mutants", var first] => CatchMutants(Number(first)),
        ["seed", var seed] => Show(Number(seed)),
        _ => Fail("soak SEEDS [FIRST] | mutants [FIRST] | seed SEED"),
    };

    private static int Soak(int seeds, int first)
    {
        var violations = new ConcurrentQueue<Outcome>();
        Parallel.For(first, first + seeds, seed =>
        {
            if (World.Run(seed) is { Violation: not null } outcome)
                violations.Enqueue(outcome);
        });
        foreach (var outcome in violations.OrderBy(outcome => outcome.Seed).Take(3))
            Console.WriteLine(outcome);
        foreach (var outcome in violations.OrderBy(outcome => outcome.Seed).Skip(3))
            Console.WriteLine($"seed {outcome.Seed}: {outcome.Violation}");
        Console.WriteLine($"seeds {seeds}, violations {violations.Count}");
        return violations.IsEmpty ? 0 : 1;
    }

    private static int CatchMutants(int first)
    {
        var missed = 0;
        foreach (var (name, mutant) in MutantRun.All)
        {
            var caught = MutantRun.Catch(mutant, first);
            missed += caught is null ? 1 : 0;
            Console.WriteLine(caught is { } at
                ? $"{name}: caught after {at.Seeds} seeds ({at.Outcome.Violation!.Split('\n')[0]})"
                : $"{name}: NOT CAUGHT within {MutantRun.SeedsMax} seeds");
        }
        Console.WriteLine($"mutants {MutantRun.All.Count}, not caught {missed}");
        return missed == 0 ? 0 : 1;
    }

    private static int Show(int seed)
    {
        var outcome = World.Run(seed, kept: int.MaxValue);
        Console.WriteLine(outcome.Trace);
        Console.WriteLine(outcome);
        return outcome.Violation is null ? 0 : 1;
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    private static int Fail(string usage)
    {
        Console.Error.WriteLine(usage);
        return 2;
    }
}
