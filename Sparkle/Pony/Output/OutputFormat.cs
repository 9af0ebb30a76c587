namespace PonyCloud.Pony.Output;

/// <summary>How an answer is shown.</summary>
internal enum OutputFormat
{
    /// <summary>For people.</summary>
    Table,

    /// <summary>The API's own JSON.</summary>
    Json,

    /// <summary>The same as YAML.</summary>
    Yaml,

    /// <summary>Names only, one a line, for other commands.</summary>
    Name,
}
