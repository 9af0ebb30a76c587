using System.Collections;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;

namespace PonyCloud.Twilight.Networks.Layout;

/// <summary>Rows in the order of their keys, equal to any others that are the same.</summary>
public sealed class TypedRows<T>(IReadOnlyList<T> rows) : IReadOnlyList<T>, IEquatable<TypedRows<T>>
{
    public int Count => rows.Count;

    public T this[int index] => rows[index];

    public bool Equals(TypedRows<T>? other) => other is not null && this.SequenceEqual(other);

    public override bool Equals(object? obj) => Equals(obj as TypedRows<T>);

    public override int GetHashCode() => rows.Aggregate(rows.Count, HashCode.Combine);

    public IEnumerator<T> GetEnumerator() => rows.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}

internal static class TypedRows
{
    public static TypedRows<T> Of<T>(IEnumerable<T> rows, Func<T, string> key) => new([.. rows.OrderBy(key, StringComparer.Ordinal)]);

    /// <summary>What is ordered, of one entity.</summary>
    public static IEnumerable<T> In<T>(StateSnapshot replica, Entity entity)
        where T : class => replica[entity].Rows.Select(row => row.Desired).OfType<T>();
}
