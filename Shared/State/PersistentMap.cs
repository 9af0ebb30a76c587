using System.Numerics;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Shared.State;

/// <summary>What a <see cref="PersistentMap{T}"/> holds: items that carry their own key.</summary>
public interface IKeyed
{
    RowKey Key { get; }
}

/// <summary>
/// An immutable hash map whose versions share structure: a compressed hash array mapped prefix tree (Steindorfer and
/// Vinju, OOPSLA 2015), with 32 slots a level and items stored without a wrapper, since they carry their own keys. An
/// edit copies the few nodes on its path; nodes that an <see cref="Editor"/> made itself it changes in place, so that
/// bulk loads do not copy.
/// </summary>
/// <remarks>
/// Written here because the platform keeps a million rows in it: the framework's immutable dictionary costs five times
/// the memory a row and an order of magnitude more time at this size. The hash does not depend on the process, so
/// enumeration is the same in every run and a simulation can be repeated.
/// </remarks>
public sealed class PersistentMap<T>
    where T : class, IKeyed
{
    public static readonly PersistentMap<T> Empty = new(Node.Empty, 0);

    private const int Bits = 5;
    private const int HashBits = 32;

    // Fewer than these are quicker set one by one.
    private const int BatchAtLeast = 4;

    private readonly Node _root;

    private PersistentMap(Node root, int count)
    {
        _root = root;
        Count = count;
    }

    public int Count { get; }

    /// <summary>All items, in an order that depends on their keys only.</summary>
    public IEnumerable<T> Items => _root.Items();

    public T? Find(RowKey key) => Find(_root, key);

    /// <summary>Starts a batch of edits; this version stays as it is.</summary>
    public Editor Edit() => new(this);

    private static T? Find(Node root, RowKey key)
    {
        var hash = key.StableHash;
        var node = root;
        for (var shift = 0; ; shift += Bits)
        {
            if (shift >= HashBits)
                return node.FindCollision(key);
            var bit = Bit(hash, shift);
            if ((node.ItemMap & bit) != 0)
            {
                var item = (T)node.Slots[Node.Index(node.ItemMap, bit)];
                return item.Key == key ? item : null;
            }
            if ((node.NodeMap & bit) == 0)
                return null;
            node = node.Child(bit);
        }
    }

    private static int Slot(uint hash, int shift) => (int)((hash >> shift) & 31);

    private static uint Bit(uint hash, int shift) => 1u << Slot(hash, shift);

    /// <summary>A batch of edits by one thread, ended by <see cref="ToMap"/>.</summary>
    public sealed class Editor
    {
        private readonly PersistentMap<T> _origin;
        private object _owner = new();
        private Node _root;
        private int _count;

        internal Editor(PersistentMap<T> origin)
        {
            _origin = origin;
            _root = origin._root;
            _count = origin.Count;
        }

        public int Count => _count;

        public T? Find(RowKey key) => PersistentMap<T>.Find(_root, key);

        public void Set(T item)
        {
            _root = _root.Set(item, item.Key.StableHash, 0, _owner, out var added);
            if (added)
                _count++;
        }

        /// <summary>
        /// Sets many items at once. Each node on their paths is made once and at its final size, which for a whole table
        /// takes a fraction of the time that one item after the other does.
        /// </summary>
        /// <param name="items">No two of them with one key.</param>
        public void SetAll(IReadOnlyList<T> items)
        {
            if (items.Count < BatchAtLeast)
            {
                foreach (var item in items)
                    Set(item);
                return;
            }
            var hashed = new Hashed[items.Count];
            for (var i = 0; i < hashed.Length; i++)
                hashed[i] = new Hashed(items[i].Key.StableHash, items[i]);
            _root = _root.SetAll(hashed, new Hashed[hashed.Length], 0, _owner, ref _count);
        }

        public void Remove(RowKey key)
        {
            _root = _root.Remove(key, key.StableHash, 0, _owner, out var removed);
            if (removed)
                _count--;
        }

        /// <summary>The version with all edits; the editor may go on and no longer touches what it returned.</summary>
        public PersistentMap<T> ToMap()
        {
            _owner = new object();
            return ReferenceEquals(_root, _origin._root) ? _origin : new PersistentMap<T>(_root, _count);
        }
    }

    /// <summary>
    /// Items lie at the front of <see cref="Slots"/> in the order of their bits, child nodes at the back in reverse
    /// order. Below the last bit of the hash a node is a plain list of items with equal hashes, ordered by their keys,
    /// and both maps are zero.
    /// </summary>
    private sealed class Node(uint itemMap, uint nodeMap, object[] slots, object? owner)
    {
        public static readonly Node Empty = new(0, 0, [], null);

        public uint ItemMap { get; private set; } = itemMap;

        public uint NodeMap { get; private set; } = nodeMap;

        public object[] Slots { get; private set; } = slots;

        public static int Index(uint map, uint bit) => BitOperations.PopCount(map & (bit - 1));

        public Node Child(uint bit) => (Node)Slots[Slots.Length - 1 - Index(NodeMap, bit)];

        public T? FindCollision(RowKey key)
        {
            foreach (T item in Slots)
            {
                if (item.Key == key)
                    return item;
            }
            return null;
        }

        public IEnumerable<T> Items()
        {
            foreach (var slot in Slots)
            {
                if (slot is T item)
                    yield return item;
            }
            for (var i = Slots.Length - 1; i >= 0 && Slots[i] is Node node; i--)
            {
                foreach (var item in node.Items())
                    yield return item;
            }
        }

        public Node Set(T item, uint hash, int shift, object owner, out bool added)
        {
            if (shift >= HashBits)
                return SetCollision(item, owner, out added);
            var bit = Bit(hash, shift);
            if ((NodeMap & bit) != 0)
            {
                var child = Child(bit).Set(item, hash, shift + Bits, owner, out added);
                return WithSlot(Slots.Length - 1 - Index(NodeMap, bit), child, owner);
            }
            var index = Index(ItemMap, bit);
            if ((ItemMap & bit) == 0)
            {
                added = true;
                return With(ItemMap | bit, NodeMap, Inserted(index, item), owner);
            }
            var present = (T)Slots[index];
            if (present.Key == item.Key)
            {
                added = false;
                return WithSlot(index, item, owner);
            }
            added = true;
            var split = Pair(present, present.Key.StableHash, item, hash, shift + Bits, owner);
            var slots = new object[Slots.Length];
            Array.Copy(Slots, 0, slots, 0, index);
            var nodeIndex = Slots.Length - 1 - Index(NodeMap, bit);
            Array.Copy(Slots, index + 1, slots, index, nodeIndex - index);
            slots[nodeIndex] = split;
            Array.Copy(Slots, nodeIndex + 1, slots, nodeIndex + 1, Slots.Length - nodeIndex - 1);
            return With(ItemMap & ~bit, NodeMap | bit, slots, owner);
        }

        /// <summary>The node with the items, which are put in another order and so is the scratch space, of the same length.</summary>
        public Node SetAll(Span<Hashed> items, Span<Hashed> scratch, int shift, object owner, ref int count)
        {
            if (items.Length < BatchAtLeast || shift >= HashBits)
            {
                var node = this;
                foreach (var (hash, item) in items)
                {
                    node = node.Set(item, hash, shift, owner, out var added);
                    count += added ? 1 : 0;
                }
                return node;
            }
            // Sorted by their slots, so that each slot is visited once.
            Span<int> ends = stackalloc int[1 << Bits];
            ends.Clear();
            foreach (var (hash, _) in items)
                ends[Slot(hash, shift)]++;
            for (int slot = 0, sum = 0; slot < ends.Length; slot++)
                ends[slot] = sum += ends[slot];
            for (var i = items.Length - 1; i >= 0; i--)
                scratch[--ends[Slot(items[i].Hash, shift)]] = items[i];
            var slots = new object[1 << Bits];
            var (itemMap, nodeMap, front, back) = (0u, 0u, 0, slots.Length);
            for (var slot = 0; slot < ends.Length; slot++)
            {
                // What was where a slot ends is where it begins by now.
                var start = ends[slot];
                var length = (slot + 1 < ends.Length ? ends[slot + 1] : items.Length) - start;
                var merged = Merged(1u << slot, scratch.Slice(start, length), items.Slice(start, length), shift, owner, ref count);
                switch (merged)
                {
                    case T item:
                        itemMap |= 1u << slot;
                        slots[front++] = item;
                        break;
                    case Node node:
                        nodeMap |= 1u << slot;
                        slots[--back] = node;
                        break;
                }
            }
            Array.Copy(slots, back, slots, front, slots.Length - back);
            Array.Resize(ref slots, front + slots.Length - back);
            return new Node(itemMap, nodeMap, slots, owner);
        }

        public Node Remove(RowKey key, uint hash, int shift, object owner, out bool removed)
        {
            if (shift >= HashBits)
                return RemoveCollision(key, owner, out removed);
            var bit = Bit(hash, shift);
            if ((ItemMap & bit) != 0)
            {
                var index = Index(ItemMap, bit);
                removed = ((T)Slots[index]).Key == key;
                return removed ? With(ItemMap & ~bit, NodeMap, Without(index), owner) : this;
            }
            removed = false;
            if ((NodeMap & bit) == 0)
                return this;
            var slot = Slots.Length - 1 - Index(NodeMap, bit);
            var child = Child(bit).Remove(key, hash, shift + Bits, owner, out removed);
            if (!removed)
                return this;
            if (child.Slots.Length == 0)
                return With(ItemMap, NodeMap & ~bit, Without(slot), owner);
            // A single item moves up, so that equal content has one shape and lookups stay short.
            if (child.Slots is [T single])
            {
                var slots = Without(slot);
                var index = Index(ItemMap, bit);
                var grown = new object[slots.Length + 1];
                Array.Copy(slots, 0, grown, 0, index);
                grown[index] = single;
                Array.Copy(slots, index, grown, index + 1, slots.Length - index);
                return With(ItemMap | bit, NodeMap & ~bit, grown, owner);
            }
            return WithSlot(slot, child, owner);
        }

        /// <summary>What lies under the bit once the items are there too: an item, a node or nothing.</summary>
        private object? Merged(uint bit, Span<Hashed> items, Span<Hashed> scratch, int shift, object owner, ref int count)
        {
            var child = (NodeMap & bit) != 0 ? Child(bit) : null;
            var present = (ItemMap & bit) != 0 ? (T)Slots[Index(ItemMap, bit)] : null;
            if (items.Length == 0)
                return (object?)child ?? present;
            if (items.Length == 1 && child is null && (present is null || present.Key == items[0].Item.Key))
            {
                count += present is null ? 1 : 0;
                return items[0].Item;
            }
            child ??= present is null ? Empty : Empty.Set(present, present.Key.StableHash, shift + Bits, owner, out _);
            return child.SetAll(items, scratch, shift + Bits, owner, ref count);
        }

        private static Node Pair(T first, uint firstHash, T second, uint secondHash, int shift, object owner)
        {
            if (shift >= HashBits)
                return new Node(0, 0, first.Key < second.Key ? [first, second] : [second, first], owner);
            var firstBit = Bit(firstHash, shift);
            var secondBit = Bit(secondHash, shift);
            if (firstBit == secondBit)
                return new Node(0, firstBit, [Pair(first, firstHash, second, secondHash, shift + Bits, owner)], owner);
            return new Node(firstBit | secondBit, 0, firstBit < secondBit ? [first, second] : [second, first], owner);
        }

        private Node SetCollision(T item, object owner, out bool added)
        {
            var index = 0;
            while (index < Slots.Length && ((T)Slots[index]).Key < item.Key)
                index++;
            added = index == Slots.Length || ((T)Slots[index]).Key != item.Key;
            return added ? With(0, 0, Inserted(index, item), owner) : WithSlot(index, item, owner);
        }

        private Node RemoveCollision(RowKey key, object owner, out bool removed)
        {
            var index = Array.FindIndex(Slots, slot => ((T)slot).Key == key);
            removed = index >= 0;
            return removed ? With(0, 0, Without(index), owner) : this;
        }

        private object[] Inserted(int index, object item)
        {
            var slots = new object[Slots.Length + 1];
            Array.Copy(Slots, 0, slots, 0, index);
            slots[index] = item;
            Array.Copy(Slots, index, slots, index + 1, Slots.Length - index);
            return slots;
        }

        private object[] Without(int index)
        {
            var slots = new object[Slots.Length - 1];
            Array.Copy(Slots, 0, slots, 0, index);
            Array.Copy(Slots, index + 1, slots, index, slots.Length - index);
            return slots;
        }

        private Node WithSlot(int index, object value, object editor)
        {
            if (ReferenceEquals(Slots[index], value))
                return this;
            if (ReferenceEquals(owner, editor))
            {
                Slots[index] = value;
                return this;
            }
            var slots = (object[])Slots.Clone();
            slots[index] = value;
            return new Node(ItemMap, NodeMap, slots, editor);
        }

        private Node With(uint itemMap, uint nodeMap, object[] slots, object editor)
        {
            if (!ReferenceEquals(owner, editor))
                return new Node(itemMap, nodeMap, slots, editor);
            ItemMap = itemMap;
            NodeMap = nodeMap;
            Slots = slots;
            return this;
        }
    }

    private readonly record struct Hashed(uint Hash, T Item);
}
