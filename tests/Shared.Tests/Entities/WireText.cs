using System.Text;
using System.Text.Json;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Shared.Tests.Entities;

/// <summary>The wire forms as text, for tests to look at.</summary>
internal static class WireText
{
    public static string Of(RowKey key) => Written(key.Write);

    public static string Of(PartDeclaration part, object record) => Written(writer => part.Write(writer, record));

    public static string ToHost(PartDeclaration part, object record) => Written(writer => part.WriteToHost(writer, record));

    public static RowKey ReadKey(string json) => ReadKey(Encoding.UTF8.GetBytes(json));

    public static RowKey ReadKey(byte[] json)
    {
        var reader = new Utf8JsonReader(json);
        reader.Read();
        return RowKey.Read(ref reader);
    }

    public static object Read(PartDeclaration part, string json)
    {
        var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(json));
        reader.Read();
        return part.Read(ref reader);
    }

    private static string Written(Action<Utf8JsonWriter> write)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Encoder = RowJson.Options.Encoder }))
            write(writer);
        return Encoding.UTF8.GetString(stream.ToArray());
    }
}
