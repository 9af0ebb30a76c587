namespace PonyCloud.Database.Tests.Rules;

/// <summary>A rule of the schema, and SQL that breaks it with its last statement.</summary>
/// <param name="Constraint">The name under which the refusal comes back.</param>
/// <param name="Case">What tells it from other ways to break the same rule.</param>
public sealed record BrokenRule(string Constraint, string Sql, string? Case = null);

/// <summary>A request that breaks a rule of the schema which the API does not check before. <c>@a1</c> is <c>u('a1')</c>.</summary>
/// <param name="Path">Below the root of the API.</param>
/// <param name="Body">Of a new row, or a merge patch.</param>
/// <param name="Pointer">The field that is to blame.</param>
/// <param name="Case">What tells it from other ways to break the same rule.</param>
public sealed record BrokenByRequest(
    string Constraint, string Method, string Path, string? Body, string Pointer, int Status = 422, string? Case = null);

/// <summary>
/// The rules of one part of the schema, each broken by hand at least once, over rows of its own. A table is found by being
/// there; <see cref="RefusalTests"/> fails for a rule that nothing breaks.
/// </summary>
public abstract class RuleTable
{
    /// <summary>SQL that makes the rows which the rules speak of; it is committed once, and what breaks a rule never is.</summary>
    public virtual string World => "";

    public abstract IEnumerable<BrokenRule> Rules { get; }

    /// <summary>The same by way of the API; <see cref="ApiRefusalTests"/> fails for a rule of these tables that no request breaks.</summary>
    public virtual IEnumerable<BrokenByRequest> Requests => [];

    public static IReadOnlyList<RuleTable> All() =>
    [
        .. typeof(RuleTable).Assembly.GetTypes()
            .Where(type => type.IsSubclassOf(typeof(RuleTable)))
            .OrderBy(type => type.Name, StringComparer.Ordinal)
            .Select(type => (RuleTable)Activator.CreateInstance(type)!),
    ];
}
