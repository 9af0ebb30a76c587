using System.Buffers;
using System.Text.Json;
using Newtonsoft.Json.Linq;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Api.Json;

namespace PonyCloud.Sparkle.Templates;

/// <summary>A disk of a template.</summary>
/// <param name="Desired">Its fields, but for those that tell it from other rows.</param>
public sealed record TemplateDisk(int Index, JObject Desired);

/// <summary>A card of a template.</summary>
/// <param name="Desired">Its fields, but for those that tell it from other rows.</param>
/// <param name="Networks">Those that it has addresses of, each once for each address.</param>
/// <param name="Groups">The security groups that it is in.</param>
public sealed record TemplateCard(int Index, JObject Desired, IReadOnlyList<Guid> Networks, IReadOnlyList<Guid> Groups);

/// <summary>What a template says of an instance.</summary>
/// <param name="Desired">The fields that an instance made from it gets.</param>
public sealed record TemplateRows(JObject Desired, IReadOnlyList<TemplateDisk> Disks, IReadOnlyList<TemplateCard> Cards)
{
    private static readonly string[] OwnOfInstance = ["uuid", "tenant", "name", "state", "template", "reboots", "resets"];
    private static readonly string[] OwnOfDisk = ["uuid", "instance"];
    private static readonly string[] OwnOfCard = ["uuid", "instance", "macaddr"];

    /// <summary>Whether instances can be made from templates at this place in the tree of paths.</summary>
    public static bool AreTakenAt(Mount mount) => mount.Path == "/tenant/instance";

    /// <summary>Whether no instance gets the field from its template.</summary>
    public static bool IsOwn(string field) => OwnOfInstance.Contains(field);

    /// <summary>All that the snapshot has of a template.</summary>
    public static TemplateRows Read(StateSnapshot snapshot, EntityCatalog catalog, InstanceDesired template)
    {
        var key = template.Uuid.ToString();
        // The schema numbers those that came without an index.
        var disks = Rows<VdiskDesired>("vdisk", "instance", key).OrderBy(disk => disk.Index)
            .Select(disk => new TemplateDisk(disk.Index!.Value, Fields("vdisk", disk, OwnOfDisk)));
        var cards = Rows<VnicDesired>("vnic", "instance", key).OrderBy(card => card.Index)
            .Select(card => new TemplateCard(
                card.Index!.Value,
                Fields("vnic", card, OwnOfCard),
                [.. Rows<AddressDesired>("address", "vnic", card.Uuid.ToString()).OrderBy(address => address.Uuid).Select(address => address.Network)],
                [.. Rows<VnicSecurityGroupDesired>("vnic_security_group", "vnic", card.Uuid.ToString()).Select(member => member.SecurityGroup).Order()]));
        return new TemplateRows(Fields("instance", template, OwnOfInstance), [.. disks], [.. cards]);

        IEnumerable<T> Rows<T>(string entity, string column, string value) =>
            snapshot[catalog[entity]].Where(column, value).Select(row => row.Desired).OfType<T>();

        JObject Fields(string entity, object record, string[] own)
        {
            var bytes = new ArrayBufferWriter<byte>();
            using (var writer = new Utf8JsonWriter(bytes))
                catalog[entity].Desired!.Write(writer, record);
            var fields = (JObject)StrictJson.ParseStored(bytes.WrittenSpan);
            foreach (var name in own)
                fields.Remove(name);
            return fields;
        }
    }
}
