using System.Globalization;
using System.Net;

namespace PonyCloud.Twilight.Metadata.Documents;

/// <summary>
/// What EC2's metadata service says of an instance (docs.aws.amazon.com, "Instance metadata categories"), as far as there is such a
/// thing here. Pure.
/// </summary>
public static class Ec2Tree
{
    public const string Latest = "latest";

    private const string First = "2009-04-04";

    // Those that cloud-init looks for, the oldest first. Others since the first are answered, and the same.
    private static readonly string[] Listed = [First, "2016-09-02", "2018-09-24", "2021-03-23", Latest];

    public static string Versions { get; } = string.Join('\n', Listed);

    public static bool IsVersion(string text) => text == Latest
        || (DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _) && string.CompareOrdinal(text, First) >= 0);

    /// <summary>What is below a version.</summary>
    public static MetadataNode Of(InstanceMetadata instance) => MetadataNode.Branch.Of(
    [
        ("meta-data", Metadata(instance)),
        ("user-data", MetadataNode.Of(instance.UserData)),
    ]);

    private static MetadataNode.Branch Metadata(InstanceMetadata instance)
    {
        var first = instance.Cards.FirstOrDefault();
        return MetadataNode.Branch.Of(
        [
            ("ami-launch-index", MetadataNode.Of("0")),
            ("hostname", MetadataNode.Of(instance.HostName)),
            ("instance-id", MetadataNode.Of(instance.Uuid.ToString())),
            ("local-hostname", MetadataNode.Of(instance.HostName)),
            ("local-ipv4", MetadataNode.Of(instance.Addresses.FirstOrDefault(one => !one.Address.IsIpv6).Address?.Address.ToString())),
            ("mac", MetadataNode.Of(first?.HardwareAddress)),
            ("network", first is null ? null : Network(instance)),
            ("public-ipv4", MetadataNode.Of(instance.Cards.SelectMany(card => card.Floating).FirstOrDefault())),
            ("public-keys", instance.SshKeys.IsEmpty ? null : Keys(instance)),
        ]);
    }

    /// <summary>A directory for each by its number, listed with its name.</summary>
    private static MetadataNode.Branch Keys(InstanceMetadata instance) => MetadataNode.Branch.Of(
        instance.NamedKeys.Select((key, number) => (Text(number), (MetadataNode?)MetadataNode.Branch.Of([("openssh-key", MetadataNode.Of(key.Key))]))),
        instance.NamedKeys.Select((key, number) => $"{Text(number)}={key.Name}"));

    private static MetadataNode.Branch Network(InstanceMetadata instance) => MetadataNode.Branch.Of(
    [
        ("interfaces", MetadataNode.Branch.Of(
        [
            ("macs", MetadataNode.Branch.Of(instance.Cards.DistinctBy(card => card.HardwareAddress).Select(card => (card.HardwareAddress, (MetadataNode?)Card(instance, card))))),
        ])),
    ]);

    private static MetadataNode.Branch Card(InstanceMetadata instance, CardMetadata card)
    {
        var (addresses4, addresses6) = (card.Addresses.Where(address => !address.IsIpv6).ToList(), card.Addresses.Where(address => address.IsIpv6).ToList());
        return MetadataNode.Branch.Of(
        [
            ("device-number", MetadataNode.Of(Text(card.Index))),
            ("interface-id", MetadataNode.Of(card.Vnic.ToString())),
            ("ipv6s", MetadataNode.Lines(addresses6.Select(address => address.Address.ToString()))),
            ("local-hostname", MetadataNode.Of(instance.HostName)),
            ("local-ipv4s", MetadataNode.Lines(addresses4.Select(address => address.Address.ToString()))),
            ("mac", MetadataNode.Of(card.HardwareAddress)),
            ("public-ipv4s", MetadataNode.Lines(card.Floating.Where(address => !IsIpv6(address)))),
            ("subnet-id", MetadataNode.Of(card.Addresses.FirstOrDefault()?.Network.Uuid.ToString())),
            ("subnet-ipv4-cidr-block", MetadataNode.Of(addresses4.FirstOrDefault()?.Network.Range)),
            ("subnet-ipv6-cidr-blocks", MetadataNode.Lines(addresses6.Select(address => address.Network.Range).Distinct())),
            // Whoever finds none takes the instance for one whose hardware address changes at each start.
            ("vpc-id", MetadataNode.Of(card.Switch.ToString())),
        ]);
    }

    private static bool IsIpv6(string address) => IPAddress.Parse(address).AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6;

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
