using System.Runtime.InteropServices;

namespace PonyCloud.Shared.Tests.Replication.Model;

/// <summary>What happens between two states, such as <c>deliver update 1</c>.</summary>
/// <param name="Index">Which one of several, counted from 0; -1 where there is only one.</param>
internal readonly record struct Step(string What, int Index = -1)
{
    public override string ToString() => Index < 0 ? What : $"{What} {Index}";
}

/// <summary>A system that is searched: where it starts, what can happen in each state, and what must hold.</summary>
internal interface IModel<TState>
    where TState : unmanaged
{
    TState Start { get; }

    /// <summary>Adds everything that can happen next, with what the step itself violates if it does.</summary>
    void Expand(in TState state, Steps<TState> steps);

    /// <summary>What the state violates, beginning with the name of the invariant; null when all holds.</summary>
    string? Violated(in TState state);

    string Describe(in TState state);
}

/// <summary>The steps out of one state.</summary>
internal sealed class Steps<TState>
    where TState : unmanaged
{
    private readonly List<Taken> _all = [];

    public ReadOnlySpan<Taken> All => CollectionsMarshal.AsSpan(_all);

    public void Add(Step step, in TState next, string? violated = null) => _all.Add(new Taken(step, next, violated));

    public void Clear() => _all.Clear();

    internal readonly struct Taken(Step step, TState next, string? violated)
    {
        public readonly Step Step = step;
        public readonly TState Next = next;
        public readonly string? Violated = violated;
    }
}

/// <summary>What a search found.</summary>
/// <param name="States">How many different states were looked at.</param>
/// <param name="IsComplete">Whether every reachable state was looked at.</param>
/// <param name="Violated">What was violated first; null when nothing was.</param>
/// <param name="Trace">The shortest way there, a line for each step; empty when nothing was violated.</param>
internal sealed record Finding(int States, long Transitions, bool IsComplete, string? Violated, IReadOnlyList<string> Trace)
{
    public override string ToString() => string.Join(
        '\n',
        Trace.Prepend($"{States} states, {Transitions} transitions{(IsComplete ? "" : ", not all")}: {Violated ?? "all holds"}"));
}

/// <summary>Breadth first, so that the first violation has the shortest trace. Deterministic.</summary>
internal static class Search
{
    /// <param name="limit">More states than this end the search; it is then not complete.</param>
    /// <param name="only">The only invariant that is looked at; null for all.</param>
    public static Finding Run<TState>(IModel<TState> model, int limit = int.MaxValue, string? only = null)
        where TState : unmanaged
    {
        bool Counts(string? violated) => violated is not null && (only is null || violated.StartsWith(only, StringComparison.Ordinal));

        var states = new StateSet<TState>();
        var steps = new Steps<TState>();
        var transitions = 0L;
        states.Add(model.Start, -1);
        for (var number = 0; number < states.Count; number++)
        {
            if (model.Violated(states[number]) is { } violated && Counts(violated))
                return new Finding(states.Count, transitions, false, violated, TraceTo(model, states, number));
            if (states.Count > limit)
                return new Finding(states.Count, transitions, false, null, []);
            steps.Clear();
            model.Expand(states[number], steps);
            foreach (ref readonly var taken in steps.All)
            {
                transitions++;
                if (Counts(taken.Violated))
                {
                    var last = LineOf(model, taken.Step, taken.Next);
                    return new Finding(states.Count, transitions, false, taken.Violated, [.. TraceTo(model, states, number), last]);
                }
                states.Add(taken.Next, number);
            }
        }
        return new Finding(states.Count, transitions, true, null, []);
    }

    private static List<string> TraceTo<TState>(IModel<TState> model, StateSet<TState> states, int number)
        where TState : unmanaged
    {
        var lines = new List<string>();
        for (var parent = states.ParentOf(number); parent >= 0; number = parent, parent = states.ParentOf(number))
            lines.Add(LineOf(model, StepBetween(model, states[parent], states[number]), states[number]));
        lines.Add($"{"start",-34} {model.Describe(model.Start)}");
        lines.Reverse();
        return lines;
    }

    private static Step StepBetween<TState>(IModel<TState> model, in TState before, in TState after)
        where TState : unmanaged
    {
        var steps = new Steps<TState>();
        model.Expand(before, steps);
        foreach (ref readonly var taken in steps.All)
        {
            if (StateSet<TState>.AreEqual(taken.Next, after))
                return taken.Step;
        }
        throw new InvalidOperationException("The model does not repeat itself.");
    }

    private static string LineOf<TState>(IModel<TState> model, Step step, in TState state)
        where TState : unmanaged => $"{step,-34} {model.Describe(state)}";
}
