using System.Xml.Linq;

namespace PonyCloud.Twilight.Storage.Pools;

/// <summary>
/// Makes libvirt's secret XML (libvirt.org/formatsecret.html). Ephemeral, so the value is in libvirtd's memory alone, and private, so
/// nobody reads it back.
/// </summary>
public static class SecretXml
{
    /// <summary>For CHAP, of iSCSI.</summary>
    public static string Chap(Guid secret) =>
        For(secret, new XElement("usage", new XAttribute("type", "iscsi"), new XElement("target", NameOf(secret))));

    /// <summary>For cephx, of Ceph.</summary>
    public static string Ceph(Guid secret) =>
        For(secret, new XElement("usage", new XAttribute("type", "ceph"), new XElement("name", NameOf(secret))));

    private static string NameOf(Guid secret) => $"secret-{secret}";

    private static string For(Guid secret, XElement usage) => new XElement(
        "secret", new XAttribute("ephemeral", "yes"), new XAttribute("private", "yes"), new XElement("uuid", secret), usage).ToString();
}
