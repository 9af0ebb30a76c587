using PonyCloud.Shared.Entities;

namespace PonyCloud.Shared.Tests.Entities;

/// <summary>Records of any part, made from its declaration, so that a new column is tested without an edit here.</summary>
internal static class RecordFiller
{
    /// <summary>A record with a value in every column, none of them the default.</summary>
    public static object Full(PartDeclaration part) => Fill(part, part.Columns);

    /// <summary>A record with what must be given; the rest at its default.</summary>
    public static object Sparse(PartDeclaration part) => Fill(part, part.Columns.Where(column => column.IsRequired));

    private static object Fill(PartDeclaration part, IEnumerable<Column> columns)
    {
        var record = part.New();
        foreach (var column in columns)
            column.Set(record, Value(column));
        return record;
    }

    private static object Value(Column column) => column.Kind switch
    {
        ColumnKind.Uuid => Guid.Parse("9ece4546-1199-42b0-acf5-1b68f393683a"),
        ColumnKind.Text => $"{column.Name} \"quoted\" é <b> 🐴 \n",
        ColumnKind.Integer => (int)(column.Maximum ?? int.MaxValue),
        ColumnKind.BigInteger => column.Maximum ?? long.MaxValue,
        ColumnKind.Real => 0.1,
        ColumnKind.Boolean => true,
        ColumnKind.Enumeration => column.EnumValue(column.EnumNames.Last())!,
        ColumnKind.Json => JsonText.Parse("""{"b":[1,2.50,null],"a":"é"}"""),
        // To the microsecond, which is what the database keeps, and not in UTC.
        ColumnKind.Timestamp => new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.FromHours(2)).AddTicks(1_234_560),
        ColumnKind.TextList => TextList.Of(["a", "", "b c"]),
        ColumnKind.AddressList => TextList.Of(["192.0.2.1", "2001:db8::1"]),
        ColumnKind.Address => "2001:db8::1",
        ColumnKind.Network => "2001:db8::/32",
        ColumnKind.HardwareAddress => "52:54:00:12:ab:ff",
        ColumnKind.Range => new LongRange(7, column.Maximum ?? long.MaxValue),
        _ => throw new NotSupportedException($"{column.Name}: no sample of {column.Kind}."),
    };
}
