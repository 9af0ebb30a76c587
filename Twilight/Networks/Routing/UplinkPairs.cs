using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Net;
using System.Security.Cryptography;

namespace PonyCloud.Twilight.Networks.Routing;

/// <summary>The addresses of the cable between the host and the namespace of a switch (RFC 3021).</summary>
/// <param name="Host">The host's end.</param>
/// <param name="Inside">The end in the namespace.</param>
public sealed record UplinkPair(string Host, string Inside)
{
    public const int PrefixLength = 31;
}

/// <summary>
/// Who has which pair of the link-local network. Pure, and nearly always the same for a switch, whatever other switches there are:
/// where two would have the same one, the switch with the lower uuid has it, and the other the next that is free.
/// </summary>
public static class UplinkPairs
{
    // 169.254.1.0 to 169.254.254.255; the rest is reserved (RFC 3927, 2.1).
    private const uint First = 0xa9fe_0100;
    private const int Count = 254 * 128;

    // Guests expect 169.254.169.254 to be something else.
    private const int Metadata = (168 * 256 + 254) / 2;

    /// <exception cref="ArgumentException">There are more switches than pairs.</exception>
    public static ImmutableDictionary<Guid, UplinkPair> Of(IEnumerable<Guid> switches)
    {
        var taken = new HashSet<int> { Metadata };
        var pairs = ImmutableDictionary.CreateBuilder<Guid, UplinkPair>();
        foreach (var @switch in switches.Distinct().Order())
        {
            if (taken.Count == Count)
                throw new ArgumentException("More switches than link-local addresses for them.", nameof(switches));
            var slot = Slot(@switch);
            while (!taken.Add(slot))
                slot = (slot + 1) % Count;
            pairs.Add(@switch, new UplinkPair(Text(First + 2 * (uint)slot), Text(First + 2 * (uint)slot + 1)));
        }
        return pairs.ToImmutable();
    }

    internal static int Slot(Guid @switch) =>
        (int)(BinaryPrimitives.ReadUInt32BigEndian(SHA256.HashData(@switch.ToByteArray(bigEndian: true))) % Count);

    private static string Text(uint address)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, address);
        return new IPAddress(bytes).ToString();
    }
}
