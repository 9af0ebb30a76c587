namespace PonyCloud.Shared.Entities;

/// <summary>The two parts of a row: what somebody ordered, and what is.</summary>
public enum RowPart
{
    /// <summary>The database row, or a row that Sparkle derives from the database for one host.</summary>
    Desired,

    /// <summary>What a Twilight reports, or what Sparkle derives from such reports.</summary>
    Current,
}
