using System.Globalization;
using System.Xml.Linq;

namespace PonyCloud.Twilight.Storage.Pools;

/// <summary>Makes libvirt's storage pool XML (libvirt.org/formatstorage.html). Pure, and knows no secret but by its uuid.</summary>
public static class PoolXml
{
    // Mount options are said in a namespace of their own.
    private static readonly XNamespace Fs = "http://libvirt.org/schemas/storagepool/fs/1.0";

    /// <summary>The name of a pool: unique as its uuid is.</summary>
    public static string NameOf(Guid pool) => $"pool-{pool}";

    public static string For(Guid pool, PoolSource source)
    {
        var element = new XElement(
            "pool", new XAttribute("type", TypeOf(source)), new XElement("name", NameOf(pool)), new XElement("uuid", pool));
        element.Add(SourceOf(source));
        if (TargetOf(source) is { } target)
            element.Add(new XElement("target", new XElement("path", target)));
        if (source is PoolSource.Export { Options: { Count: > 0 } options })
        {
            element.Add(new XAttribute(XNamespace.Xmlns + "fs", Fs));
            element.Add(new XElement(
                Fs + "mount_opts", options.Select(option => new XElement(Fs + "option", new XAttribute("name", option)))));
        }
        return element.ToString();
    }

    private static string TypeOf(PoolSource source) => source switch
    {
        PoolSource.Directory => "dir",
        PoolSource.VolumeGroup => "logical",
        PoolSource.Export => "netfs",
        PoolSource.KernelTarget => "iscsi",
        PoolSource.DirectTarget => "iscsi-direct",
        PoolSource.CephPool => "rbd",
        _ => throw new ArgumentOutOfRangeException(nameof(source)),
    };

    private static XElement? SourceOf(PoolSource source) => source switch
    {
        PoolSource.VolumeGroup group => new XElement("source", new XElement("name", group.Name), Format("lvm2")),
        PoolSource.Export export => new XElement(
            "source", Host(export.Server), new XElement("dir", new XAttribute("path", export.Exported)), Format(export.Format)),
        PoolSource.KernelTarget target => new XElement(
            "source", Host(target.Portal), Device(target.Target), Initiator(target.Initiator), Auth("chap", target.Login)),
        PoolSource.DirectTarget target => new XElement(
            "source", Host(target.Portal), Device(target.Target), Initiator(target.Initiator), Auth("chap", target.Login)),
        PoolSource.CephPool pool => new XElement(
            "source", pool.Monitors.Select(Host), new XElement("name", pool.Name), Auth("ceph", pool.Login)),
        _ => null,
    };

    private static string? TargetOf(PoolSource source) => source switch
    {
        PoolSource.Directory directory => directory.Path,
        PoolSource.VolumeGroup group => $"/dev/{group.Name}",
        PoolSource.Export export => export.Path,
        PoolSource.KernelTarget => "/dev/disk/by-path",
        _ => null,
    };

    private static XElement Host(StorageServer server) => new(
        "host",
        new XAttribute("name", server.Name),
        server.Port is { } port ? new XAttribute("port", port.ToString(CultureInfo.InvariantCulture)) : null);

    private static XElement Device(string path) => new("device", new XAttribute("path", path));

    private static XElement Format(string type) => new("format", new XAttribute("type", type));

    private static XElement? Initiator(string? name) =>
        name is null ? null : new XElement("initiator", new XElement("iqn", new XAttribute("name", name)));

    private static XElement? Auth(string type, PoolLogin? login) => login is null ? null : new XElement(
        "auth",
        new XAttribute("type", type),
        new XAttribute("username", login.User),
        new XElement("secret", new XAttribute("uuid", login.Secret)));
}
