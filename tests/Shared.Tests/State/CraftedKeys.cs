using System.Runtime.InteropServices;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Shared.Tests.State;

/// <summary>
/// Keys with any hash that a test wants, since equal hashes do not turn up by themselves. The key hash is a chain of
/// steps that can each be undone, so the last word of a uuid can be computed from the first three and the hash.
/// </summary>
internal static class CraftedKeys
{
    private const uint FnvOffset = 2166136261u;
    private const uint FnvPrime = 16777619u;

    /// <summary>A uuid key with the hash; another one for every salt.</summary>
    public static RowKey WithHash(uint hash, uint salt)
    {
        hash ^= hash >> 16;
        hash *= Inverse(0xc2b2ae35u);
        hash ^= (hash >> 13) ^ (hash >> 26);
        hash *= Inverse(0x85ebca6bu);
        hash ^= hash >> 16;

        var words = new uint[4];
        words[0] = salt + 1;
        var state = FnvOffset;
        for (var i = 0; i < 3; i++)
            state = (state ^ words[i]) * FnvPrime;
        words[3] = state ^ (hash * Inverse(FnvPrime));
        return RowKey.Of(MemoryMarshal.Cast<uint, Guid>(words)[0]);
    }

    /// <summary>The number that undoes a multiplication by an odd one, modulo 2^32.</summary>
    private static uint Inverse(uint odd)
    {
        // Newton's iteration doubles the number of right bits: 3, 6, 12, 24, 48.
        var inverse = odd;
        for (var i = 0; i < 4; i++)
            inverse *= 2 - (odd * inverse);
        return inverse;
    }
}
