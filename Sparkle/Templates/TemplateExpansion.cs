using System.Globalization;
using Newtonsoft.Json.Linq;
using PonyCloud.Sparkle.Api.Json;

namespace PonyCloud.Sparkle.Templates;

/// <summary>
/// Lays a request over a template: what comes out is what the request could have written out by itself. Pure. What is wrong in the
/// request stays wrong in the same place; nothing is checked here.
/// </summary>
public sealed class TemplateExpansion
{
    private const int VolumeNameMax = 64;

    // What a disk of a template says of the volume that is to be made.
    private static readonly string[] OfVolume = ["storage_pool", "size", "base_image"];

    private readonly TemplateRows _template;
    private readonly string _name;
    private readonly string _pointer;
    private readonly JObject _asked;
    private readonly JToken? _children;
    private readonly List<MadeRow> _volumes = [];

    private TemplateExpansion(TemplateRows template, JObject row, string name, string pointer)
    {
        _template = template;
        _name = name;
        _pointer = pointer;
        _asked = (JObject)row["desired"]!;
        _children = row["children"]?.DeepClone();
    }

    /// <param name="row">The instance as the request has it, with an object <c>desired</c>.</param>
    /// <param name="name">By which the request calls it.</param>
    /// <param name="pointer">Where it is in the request.</param>
    public static Expansion Of(TemplateRows template, JObject row, string name, string pointer) =>
        new TemplateExpansion(template, row, name, pointer).Expand();

    private string Template => $"{_pointer}/template";

    private Expansion Expand()
    {
        var made = _template.Disks.Select(Disk).Concat(_template.Cards.Select(Card)).ToList();
        var origin = new RowOrigin(Template, "The template", Inherited(_template.Desired, _asked));
        return new Expansion(Overlay(_template.Desired, _asked), origin, _volumes, made, _children);
    }

    private MadeRow Disk(TemplateDisk disk)
    {
        var over = Take("vdisk", disk.Index);
        var asked = over?.Desired ?? [];
        var kept = (JObject)disk.Desired.DeepClone();
        // What is another thing in the request is none of what it was in the template.
        if (Has(asked, "volume") || Has(asked, "image"))
            Remove(kept, [.. OfVolume, "image"]);
        else if (Has(asked, "storage_pool"))
            kept.Remove("image");
        var desired = Overlay(kept, asked);
        var inherited = Inherited(kept, asked);
        var what = $"vdisk {Text(disk.Index)} of the template";
        if (Has(desired, "storage_pool") && !Has(desired, "volume") && !Has(desired, "image"))
        {
            desired["volume"] = MakeVolume(disk.Index, desired, over, new RowOrigin(Template, what, over is null ? null : inherited.Append("name").ToHashSet()));
            inherited.Add("volume");
        }
        return Row("vdisk", disk.Index, desired, over, what, inherited);
    }

    // Takes what is the volume's out of the disk.
    private string MakeVolume(int index, JObject disk, Over? over, RowOrigin origin)
    {
        var volume = new JObject { ["name"] = VolumeName(index) };
        foreach (var field in OfVolume)
        {
            if (disk[field] is { } value)
                volume[field] = value.DeepClone();
        }
        Remove(disk, OfVolume);
        var name = $"{_name}/volume/{Text(index)}";
        _volumes.Add(new MadeRow("volume", name, volume, over?.Pointer ?? Template, origin));
        return name;
    }

    private string VolumeName(int index)
    {
        var suffix = $"-{Text(index)}";
        var instance = _asked["name"] is JValue { Value: string name } ? name : "";
        return (instance.Length + suffix.Length > VolumeNameMax ? instance[..(VolumeNameMax - suffix.Length)] : instance) + suffix;
    }

    private MadeRow Card(TemplateCard card)
    {
        var over = Take("vnic", card.Index);
        var asked = over?.Desired ?? [];
        var desired = Overlay(card.Desired, asked);
        var what = $"vnic {Text(card.Index)} of the template";
        var row = Row("vnic", card.Index, desired, over, what, Inherited(card.Desired, asked));
        var children = over?.Children as JObject;
        var made = new List<MadeRow>();
        if (children?["address"] is null && JToken.DeepEquals(desired["switch"], card.Desired["switch"]))
            made.AddRange(card.Networks.Select((network, number) => Below("address", number, "network", network)));
        if (children?["security-group"] is null)
            made.AddRange(card.Groups.Select((group, number) => Below("security-group", number, "security_group", group)));
        return row with { Children = made };

        MadeRow Below(string collection, int number, string field, Guid key) => new(
            collection, $"{row.Name}/{collection}/{Text(number)}", new JObject { [field] = key.ToString() }, Template, new RowOrigin(Template, what, null));
    }

    private MadeRow Row(string collection, int index, JObject desired, Over? over, string what, HashSet<string> inherited) => over is null
        ? new MadeRow(collection, $"{_name}/{collection}/{Text(index)}", desired, Template, new RowOrigin(Template, what, null))
        : new MadeRow(collection, over.Name, desired, over.Pointer, new RowOrigin(Template, what, inherited)) { Asked = over.Children };

    // The child of the request that lies over a row of the template; what has other members is none, and is refused as it stands.
    private Over? Take(string collection, int index)
    {
        if ((_children as JObject)?[collection] is not JObject rows)
            return null;
        foreach (var member in rows.Properties())
        {
            if (member.Value is not JObject row || row["desired"] is not JObject desired || desired["index"] is not JValue { Value: long own } || own != index)
                continue;
            if (row.Properties().Any(part => part.Name is not ("desired" or "children")))
                continue;
            member.Remove();
            return new Over(member.Name, $"{_pointer}/children/{collection}/{JsonPointer.Escape(member.Name)}", desired, row["children"]);
        }
        return null;
    }

    private static JObject Overlay(JObject below, JObject above)
    {
        var desired = (JObject)below.DeepClone();
        foreach (var field in above.Properties())
            desired[field.Name] = field.Value.DeepClone();
        return desired;
    }

    private static HashSet<string> Inherited(JObject below, JObject above) =>
        [.. below.Properties().Select(field => field.Name).Where(name => !above.ContainsKey(name))];

    private static void Remove(JObject row, params ReadOnlySpan<string> fields)
    {
        foreach (var field in fields)
            row.Remove(field);
    }

    private static bool Has(JObject row, string field) => row[field] is { Type: not JTokenType.Null };

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>A row of the request that lies over one of the template.</summary>
    private sealed record Over(string Name, string Pointer, JObject Desired, JToken? Children);
}
