using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Hypervisor;

namespace PonyCloud.Twilight.Reconciliation;

/// <summary>How much may be removed at once without anybody having ordered it.</summary>
public sealed record RemovalGuardOptions
{
    /// <summary>So many running domains may go in any case.</summary>
    public int Free { get; init; } = 2;

    /// <summary>So large a part of the running domains may go, from 0 to 1; with 1 the guard holds nothing.</summary>
    public double Share { get; init; } = 0.5;
}

/// <summary>All that the guard looks at.</summary>
/// <param name="Own">The domains of the platform on this host.</param>
/// <param name="Wanted">Instances that have a place here.</param>
/// <param name="Released">
/// Instances whose removal was ordered by name; null when the controller does not name removals, so that absence is the order.
/// </param>
/// <param name="Confirmation">The token that an operator gave; null when none.</param>
public sealed record RemovalGuardInput(
    IReadOnlyCollection<ObservedDomain> Own, IReadOnlySet<Guid> Wanted, IReadOnlySet<Guid>? Released, string? Confirmation);

/// <summary>
/// What must not be removed because the controller may merely have forgotten it, and what an operator let go all the same.
/// Pure: <see cref="Judge"/> makes the next one from this one and a look at the host.
/// </summary>
/// <remarks>
/// <code>
///                   more unknown ones run than may go at once              token given
///   (removed as soon ────────────────────────────────────────► HELD ───────────────────────► CONFIRMED ──► removed
///    as unknown)                                                │ each: wanted again, or
///          ▲                                                    │ released by name
///          └────────────────── none of them is left ◄───────────┘
/// </code>
/// Unknown is a domain of the platform that has no place here and was not released. Whoever is unknown while others are
/// held is held as well. Fewer running ones do not end it: a held guest that turns itself off must not take the rest along.
/// </remarks>
public sealed class RemovalGuard
{
    // As many as a person reads; the rest is counted.
    private const int Named = 5;

    private RemovalGuard(IReadOnlyList<Guid> held, IReadOnlySet<Guid> confirmed)
    {
        Held = held;
        Confirmed = confirmed;
        Token = held.Count == 0 ? null : TokenOf(held);
    }

    /// <summary>Holds nothing.</summary>
    public static RemovalGuard None { get; } = new([], new HashSet<Guid>());

    /// <summary>What is neither removed nor touched, in order.</summary>
    public IReadOnlyList<Guid> Held { get; }

    /// <summary>What stands for exactly these: 16 hexadecimal digits; null when nothing is held.</summary>
    public string? Token { get; }

    /// <summary>In words, with what confirms it; null when nothing is held.</summary>
    public string? Why => Token is null
        ? null
        : $"The controller does not know {(Held.Count == 1 ? "an instance" : $"{Held.Count} instances")} of this host "
            + $"({string.Join(", ", Held.Take(Named))}{(Held.Count > Named ? $" and {Held.Count - Named} more" : "")}) and did not order "
            + $"their removal; they are held. Set confirm_removals of the host to {Token} to have exactly these removed.";

    /// <summary>What was let go and is not gone yet.</summary>
    private IReadOnlySet<Guid> Confirmed { get; }

    public bool Holds(Guid instance) => Held.Contains(instance);

    /// <summary>The same as an object with <c>instances</c> and <c>token</c>; null when nothing is held.</summary>
    public JsonText? ToJson() => Token is null ? null : JsonText.From(JsonSerializer.SerializeToElement(new { instances = Held, token = Token }));

    /// <summary>What follows from a look at the host.</summary>
    public RemovalGuard Judge(RemovalGuardInput input, RemovalGuardOptions options)
    {
        if (input.Released is not { } released)
            return None;
        bool IsReleased(Guid instance) => released.Contains(instance) && !input.Wanted.Contains(instance);
        var forgotten = input.Own.Where(domain => !input.Wanted.Contains(domain.Uuid) && !released.Contains(domain.Uuid)).ToList();
        var confirmed = forgotten.Select(domain => domain.Uuid).Where(Confirmed.Contains).ToHashSet();
        var unknown = forgotten.Where(domain => !confirmed.Contains(domain.Uuid)).ToList();
        // What is on its way out counts on neither side, or the rest would be judged anew when it is gone.
        var running = input.Own.Count(domain => IsOn(domain) && !confirmed.Contains(domain.Uuid) && !IsReleased(domain.Uuid));
        if (unknown.Count(IsOn) <= Math.Max(options.Free, options.Share * running) && !unknown.Exists(domain => Holds(domain.Uuid)))
            return new RemovalGuard([], confirmed);
        Guid[] held = [.. unknown.Select(domain => domain.Uuid).Order()];
        if (TokenOf(held) != input.Confirmation)
            return new RemovalGuard(held, confirmed);
        // Remembered by name: the token stands for all of them, and soon some are gone.
        confirmed.UnionWith(held);
        return new RemovalGuard([], confirmed);
    }

    private static bool IsOn(ObservedDomain domain) => domain.State is not (DomainState.Off or DomainState.Crashed);

    private static string TokenOf(IReadOnlyList<Guid> instances) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(string.Join('\n', instances))))[..16];
}
