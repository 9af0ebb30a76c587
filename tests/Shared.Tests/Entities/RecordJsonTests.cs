using System.Text.Json;
using System.Text.Json.Nodes;
using NUnit.Framework;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Shared.Tests.Entities;

/// <summary>The JSON form of every record of every entity.</summary>
[TestFixture]
public sealed class RecordJsonTests
{
    private static IEnumerable<TestCaseData<PartDeclaration>> Parts =>
        from entity in EntityCatalog.Load().All
        from part in new[] { entity.Desired, entity.Current }
        where part is not null
        select new TestCaseData<PartDeclaration>(part).SetArgDisplayNames(part.Type.Name);

    private static IEnumerable<TestCaseData<Column>> Enumerations =>
        from part in Parts.Select(data => (PartDeclaration)data.Arguments[0]!)
        from column in part.Columns
        where column.Kind == ColumnKind.Enumeration
        select new TestCaseData<Column>(column).SetArgDisplayNames($"{part.Type.Name}.{column.Name}");

    [TestCaseSource(nameof(Parts))]
    public void A_full_record_reads_back_as_it_was_written_but_for_its_secrets(PartDeclaration part)
    {
        var record = RecordFiller.Full(part);
        var read = WireText.Read(part, WireText.Of(part, record));
        foreach (var secret in part.Columns.Where(column => column.IsSecret))
            secret.Set(record, null);
        Assert.That(read, Is.EqualTo(record));
    }

    [TestCaseSource(nameof(Parts))]
    public void A_host_reads_the_secrets_that_are_sent_to_it_and_no_others(PartDeclaration part)
    {
        var record = RecordFiller.Full(part);
        var read = WireText.Read(part, WireText.ToHost(part, record));
        foreach (var kept in part.Columns.Where(column => !column.IsSentToHosts))
            kept.Set(record, null);
        Assert.That(read, Is.EqualTo(record));
    }

    [TestCaseSource(nameof(Parts))]
    public void A_record_of_defaults_reads_back_as_it_was_written(PartDeclaration part)
    {
        var record = RecordFiller.Sparse(part);
        Assert.That(WireText.Read(part, WireText.Of(part, record)), Is.EqualTo(record));
    }

    [TestCaseSource(nameof(Parts))]
    public void The_fields_are_the_columns_without_secrets_and_nulls(PartDeclaration part)
    {
        var full = JsonNode.Parse(WireText.Of(part, RecordFiller.Full(part)))!.AsObject();
        Assert.That(full.Select(field => field.Key), Is.EqualTo(part.Columns.Where(column => !column.IsSecret).Select(column => column.Name)));

        var record = RecordFiller.Sparse(part);
        var sparse = JsonNode.Parse(WireText.Of(part, record))!.AsObject();
        Assert.That(
            sparse.Select(field => field.Key),
            Is.EqualTo(part.Columns.Where(column => column.Get(record) is not null).Select(column => column.Name)));
    }

    [TestCaseSource(nameof(Parts))]
    public void A_record_without_a_required_field_or_with_null_in_it_is_refused(PartDeclaration part)
    {
        var required = part.Columns.Where(column => column.IsRequired).Select(column => column.Name).ToArray();
        Assert.That(required, Is.Not.Empty);
        foreach (var name in required)
        {
            var json = JsonNode.Parse(WireText.Of(part, RecordFiller.Full(part)))!.AsObject();
            json[name] = null;
            Assert.That(() => WireText.Read(part, json.ToJsonString()), Throws.InstanceOf<JsonException>(), name);
            json.Remove(name);
            Assert.That(() => WireText.Read(part, json.ToJsonString()), Throws.InstanceOf<JsonException>(), name);
        }
    }

    [TestCaseSource(nameof(Parts))]
    public void A_field_of_a_newer_version_is_passed_over(PartDeclaration part)
    {
        var record = RecordFiller.Sparse(part);
        var json = JsonNode.Parse(WireText.Of(part, record))!.AsObject();
        json["of_a_later_version"] = new JsonObject { ["x"] = new JsonArray(1, 2) };
        Assert.That(WireText.Read(part, json.ToJsonString()), Is.EqualTo(record));
    }

    [TestCaseSource(nameof(Parts))]
    public void Null_is_no_record(PartDeclaration part) =>
        Assert.That(() => WireText.Read(part, "null"), Throws.InstanceOf<JsonException>());

    [TestCaseSource(nameof(Enumerations))]
    public void An_enumeration_is_the_same_text_in_JSON_in_indexes_and_in_the_list(Column column)
    {
        Assert.That(column.EnumNames, Has.Count.EqualTo(Enum.GetValues(column.Type).Length));
        foreach (var name in column.EnumNames)
        {
            var value = column.EnumValue(name)!;
            Assert.That(name, Does.Match("^[a-z0-9.+]+(-[a-z0-9.+]+)*$"));
            Assert.That(column.EnumName(value), Is.EqualTo(name));
            Assert.That(JsonSerializer.Serialize(value, column.Type, RowJson.Options), Is.EqualTo($"\"{name}\""));
            Assert.That(JsonSerializer.Deserialize($"\"{name}\"", column.Type, RowJson.Options), Is.EqualTo(value));
        }
    }

    [TestCaseSource(nameof(Enumerations))]
    public void What_is_not_in_the_list_is_refused(Column column)
    {
        Assert.That(column.EnumValue("no-such-thing"), Is.Null);
        foreach (var json in (string[])["\"no-such-thing\"", "0", "\"0\"", "\"\""])
            Assert.That(() => JsonSerializer.Deserialize(json, column.Type, RowJson.Options), Throws.InstanceOf<JsonException>(), json);
    }

    [Test]
    public void A_time_is_written_in_UTC_and_read_from_any_zone()
    {
        var time = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.FromHours(2)).AddMilliseconds(120);
        Assert.That(JsonSerializer.Serialize(time, RowJson.Options), Is.EqualTo("\"2026-01-02T01:04:05.12Z\""));
        var read = JsonSerializer.Deserialize<DateTimeOffset>("\"2026-01-02T03:04:05.12+02:00\"", RowJson.Options);
        Assert.That(read, Is.EqualTo(time));
        Assert.That(read.Offset, Is.EqualTo(TimeSpan.Zero));
    }

    [Test]
    public void The_key_of_a_record_is_made_of_its_key_columns()
    {
        var catalog = EntityCatalog.Load();
        var place = new HostInstanceDesired { Host = new Guid(1, 0, 0, new byte[8]), Instance = new Guid(2, 0, 0, new byte[8]) };
        var key = catalog["host_instance"].KeyOf(RowPart.Desired, place);
        Assert.That(key, Is.EqualTo(RowKey.Of(place.Host.ToString(), place.Instance.ToString())));
        Assert.That(catalog["host_instance"].ReporterOf(key), Is.EqualTo(place.Host.ToString()));
        Assert.That(catalog["user"].KeyOf(RowPart.Desired, new UserDesired { Email = "a@b" }), Is.EqualTo(RowKey.Of("a@b")));
        Assert.That(catalog["user"].ReporterOf(RowKey.Of("a@b")), Is.Null);
    }
}
