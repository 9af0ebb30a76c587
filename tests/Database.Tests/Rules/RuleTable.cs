namespace PonyCloud.Database.Tests.Rules;

/// <summary>A rule of the schema, and SQL that breaks it with its last statement.</summary>
/// <param name="Constraint">The name under which the refusal comes back.</param>
/// <param name="Case">What tells it from other ways to break the same rule.</param>
public sealed record BrokenRule(string Constraint, string Sql, string? Case = null);

/// <summary>
/// The rules of one part of the schema, each broken by hand at least once, over rows of its own. A table is found by being
/// there; <see cref="RefusalTests"/> fails for a rule that nothing breaks.
/// </summary>
public abstract class RuleTable
{
    /// <summary>SQL that makes the rows which the rules speak of; it is committed once, and what breaks a rule never is.</summary>
    public virtual string World => "";

    public abstract IEnumerable<BrokenRule> Rules { get; }

    public static IReadOnlyList<RuleTable> All() =>
    [
        .. typeof(RuleTable).Assembly.GetTypes()
            .Where(type => type.IsSubclassOf(typeof(RuleTable)))
            .OrderBy(type => type.Name, StringComparer.Ordinal)
            .Select(type => (RuleTable)Activator.CreateInstance(type)!),
    ];
}
