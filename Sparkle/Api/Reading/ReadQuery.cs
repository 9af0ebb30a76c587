using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace PonyCloud.Sparkle.Api.Reading;

/// <summary>What the query of a GET asks for, checked against what its path shows.</summary>
public sealed record ReadQuery
{
    /// <summary>The most rows of a page.</summary>
    public const int MaxLimit = 1000;

    private const string FieldsName = "fields";
    private const string JoinName = "join";
    private const string LimitName = "limit";
    private const string AfterName = "after";
    private const int MaxShown = 64;

    /// <summary>Everything, as it is.</summary>
    public static readonly ReadQuery Everything = new();

    /// <summary>Rows must match all of them.</summary>
    public IReadOnlyList<RowFilter> Filters { get; private init; } = [];

    /// <summary>The columns that are shown; null for all.</summary>
    public FieldSelection? Fields { get; private init; }

    /// <summary>The rows that are shown inline.</summary>
    public IReadOnlyList<Join> Joins { get; private init; } = [];

    /// <summary>How many rows a page has; null for all in one.</summary>
    public int? Limit { get; private init; }

    /// <summary>Only rows with a greater key, as the path would show it.</summary>
    public string? After { get; private init; }

    /// <exception cref="ProblemException">A parameter is unknown here, or has no possible value.</exception>
    public static ReadQuery Of(IQueryCollection query, ResourceNode node, bool isRow)
    {
        var unknown = new List<string>();
        var filters = new List<RowFilter>();
        var read = Everything;
        foreach (var (name, given) in query.OrderBy(parameter => parameter.Key, StringComparer.Ordinal))
        {
            var values = given.Select(value => value ?? "").ToList();
            switch (name)
            {
                case FieldsName:
                    read = read with { Fields = FieldSelection.Of(node, Elements(values)) };
                    break;
                case JoinName:
                    read = read with { Joins = [.. Elements(values).Distinct().Select(join => Join.Of(node, join))] };
                    break;
                case LimitName when !isRow:
                    read = read with { Limit = Number(LimitName, Single(name, values), MaxLimit) };
                    break;
                case AfterName when !isRow:
                    read = read with
                    {
                        After = node.Normalize(Single(name, values))
                            ?? throw Bad(name, $"must be the {node.KeyColumn} of a row."),
                    };
                    break;
                default:
                    if (!isRow && RowFilter.Find(node, name) is { } filter)
                        filters.Add(filter.With(values));
                    else
                        unknown.Add(name);
                    break;
            }
        }
        RefuseUnknown(unknown);
        return read with { Filters = filters };
    }

    /// <summary>The levels of rows that a read of the root shows; null for all.</summary>
    /// <exception cref="ProblemException">A parameter is unknown here, or has no possible value.</exception>
    public static int? DepthOf(IQueryCollection query)
    {
        const string depth = "depth";
        RefuseUnknown([.. query.Keys.Where(name => name != depth)]);
        return query.TryGetValue(depth, out var given) ? Number(depth, Single(depth, [.. given.Select(value => value ?? "")]), int.MaxValue) : null;
    }

    /// <summary>The query of the page behind a row.</summary>
    public static string Next(IQueryCollection query, string after)
    {
        var text = new StringBuilder();
        foreach (var (name, values) in query.Where(parameter => parameter.Key != AfterName))
        {
            foreach (var value in values)
                Append(name, value ?? "");
        }
        Append(AfterName, after);
        return text.ToString();

        void Append(string name, string value) =>
            text.Append(text.Length == 0 ? '?' : '&').Append(Uri.EscapeDataString(name)).Append('=').Append(Uri.EscapeDataString(value));
    }

    /// <summary>A problem with the value of a parameter.</summary>
    internal static ProblemException Bad(string parameter, string why) => new(ProblemKind.BadParameter, $"{parameter} {why}");

    /// <summary>A value of the client's, cut for a message.</summary>
    internal static string Shown(string value) => value.Length <= MaxShown ? $"'{value}'" : $"'{value[..MaxShown]}…'";

    internal static void RefuseUnknown(IReadOnlyCollection<string> names)
    {
        if (names.Count > 0)
        {
            throw new ProblemException(
                ProblemKind.UnknownParameter, $"Unknown query parameters: {string.Join(", ", names.Order(StringComparer.Ordinal))}.");
        }
    }

    private static IEnumerable<string> Elements(IEnumerable<string> values) => values.SelectMany(value => value.Split(','));

    private static string Single(string name, List<string> values) => values is [var only] ? only : throw Bad(name, "must be given once.");

    private static int Number(string name, string value, int max) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= 1 && number <= max
            ? number
            : throw Bad(name, $"must be a whole number from 1 to {max.ToString(CultureInfo.InvariantCulture)}.");
}
