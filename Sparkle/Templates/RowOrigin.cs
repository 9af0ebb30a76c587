namespace PonyCloud.Sparkle.Templates;

/// <summary>Where the fields of a row come from that is made from a template: from the template, or from the request.</summary>
/// <param name="Template">Pointer to what in the request names the template.</param>
/// <param name="What">The row of the template, in words.</param>
/// <param name="Inherited">The fields that come from the template; null for the whole row.</param>
public sealed record RowOrigin(string Template, string What, IReadOnlySet<string>? Inherited)
{
    /// <summary>Whether the template is to blame for what is wrong with a field, or with the whole row.</summary>
    /// <param name="field">Null for the whole row.</param>
    public bool IsOf(string? field) => Inherited is null || (field is not null && Inherited.Contains(field));

    /// <summary>The words for something that is wrong in the template.</summary>
    public string Describe(string why) => $"{What}: {why}";
}
