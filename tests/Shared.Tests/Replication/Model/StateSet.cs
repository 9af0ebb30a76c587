using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace PonyCloud.Shared.Tests.Replication.Model;

/// <summary>
/// The states that a search has seen, numbered in the order in which they came, each with the number of the one before
/// it. A state is a struct of bytes without padding or references, so that it is its own key: two states are one when
/// their bytes are, and millions fit.
/// </summary>
internal sealed class StateSet<TState>
    where TState : unmanaged
{
    private const int BlockBits = 12;
    private const int BlockSize = 1 << BlockBits;

    private readonly List<TState[]> _blocks = [];
    private readonly List<int> _parents = [];

    // Open addressing, the number of the state plus one; 0 is a free slot. At most half full.
    private int[] _slots = new int[1 << 16];

    public int Count => _parents.Count;

    public ref readonly TState this[int number] => ref _blocks[number >> BlockBits][number & (BlockSize - 1)];

    /// <summary>The number of the state from which this one was reached first, -1 for the start.</summary>
    public int ParentOf(int number) => _parents[number];

    /// <summary>Whether the state is new.</summary>
    public bool Add(in TState state, int parent)
    {
        var slot = SlotOf(state);
        if (_slots[slot] != 0)
            return false;
        var number = Count;
        if ((number & (BlockSize - 1)) == 0)
            _blocks.Add(new TState[BlockSize]);
        _blocks[number >> BlockBits][number & (BlockSize - 1)] = state;
        _parents.Add(parent);
        _slots[slot] = number + 1;
        if (Count * 2 > _slots.Length)
            Grow();
        return true;
    }

    public static bool AreEqual(in TState left, in TState right) => Bytes(left).SequenceEqual(Bytes(right));

    private void Grow()
    {
        _slots = new int[_slots.Length * 2];
        for (var number = 0; number < Count; number++)
            _slots[SlotOf(this[number])] = number + 1;
    }

    private int SlotOf(in TState state)
    {
        var slot = (int)(HashOf(state) >> (64 - BitOperations.Log2((uint)_slots.Length)));
        while (_slots[slot] != 0 && !AreEqual(this[_slots[slot] - 1], state))
            slot = (slot + 1) & (_slots.Length - 1);
        return slot;
    }

    private static ulong HashOf(in TState state)
    {
        var bytes = Bytes(state);
        var hash = 0UL;
        while (bytes.Length >= sizeof(ulong))
        {
            hash = (BitOperations.RotateLeft(hash, 29) ^ MemoryMarshal.Read<ulong>(bytes)) * 0x9E3779B97F4A7C15;
            bytes = bytes[sizeof(ulong)..];
        }
        foreach (var one in bytes)
            hash = (BitOperations.RotateLeft(hash, 29) ^ one) * 0x9E3779B97F4A7C15;
        hash ^= hash >> 32;
        return hash * 0xD6E8FEB86659FD93;
    }

    private static ReadOnlySpan<byte> Bytes(in TState state) =>
        MemoryMarshal.AsBytes(new ReadOnlySpan<TState>(in Unsafe.AsRef(in state)));
}
