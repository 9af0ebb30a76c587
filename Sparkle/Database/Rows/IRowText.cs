namespace PonyCloud.Sparkle.Database.Rows;

/// <summary>The texts of a row's columns, in the order of the record.</summary>
public interface IRowText
{
    /// <returns>False for a null in the database, and for a column that it does not have.</returns>
    bool TryGet(int column, out ReadOnlySpan<char> text);
}

/// <summary>Texts that are at hand, null for a null.</summary>
public sealed class RowTexts(string?[] texts) : IRowText
{
    public bool TryGet(int column, out ReadOnlySpan<char> text)
    {
        text = texts[column];
        return texts[column] is not null;
    }
}
