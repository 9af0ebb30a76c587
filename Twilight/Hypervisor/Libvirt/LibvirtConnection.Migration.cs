using System.Runtime.InteropServices;
using System.Text;

namespace PonyCloud.Twilight.Hypervisor.Libvirt;

/// <summary>Copying a domain elsewhere, and the marks that say so.</summary>
internal sealed unsafe partial class LibvirtConnection
{
    private const uint MigrateFlags = LibvirtNative.MigrateLive | LibvirtNative.MigratePeerToPeer | LibvirtNative.MigratePersistDestination
        | LibvirtNative.MigratePaused | LibvirtNative.MigrateAbortOnError | LibvirtNative.MigrateAutoConverge | LibvirtNative.MigrateChangeProtection;

    internal void Migrate(Guid uuid, MigrationTarget target)
    {
        (string Name, string Value)[] texts =
        [
            ("migrate_uri", $"unix://{target.Memory}"),
            ("destination_xml", target.Xml),
            ("persistent_xml", target.Xml),
            .. target.CopiedDisks.Select(disk => ("migrate_disks", disk)),
        ];
        var flags = MigrateFlags;
        // Without a list of disks the flag would mean all of them.
        if (target.CopiedDisks.Count > 0)
        {
            texts = [.. texts, ("disks_uri", $"unix://{target.Disks}")];
            flags |= LibvirtNative.MigrateNonSharedDisk;
        }
        var parameters = stackalloc LibvirtNative.VirTypedParameter[texts.Length];
        new Span<LibvirtNative.VirTypedParameter>(parameters, texts.Length).Clear();
        try
        {
            for (var i = 0; i < texts.Length; i++)
            {
                Encoding.ASCII.GetBytes(texts[i].Name, new Span<byte>(parameters[i].Field, LibvirtNative.TypedFieldSize));
                parameters[i].Type = LibvirtNative.TypedString;
                parameters[i].Value = Marshal.StringToCoTaskMemUTF8(texts[i].Value);
            }
            With(uuid, "migrate", domain => LibvirtNative.virDomainMigrateToURI3(
                domain, $"qemu+unix:///system?socket={target.Hypervisor}", parameters, (uint)texts.Length, flags));
        }
        finally
        {
            for (var i = 0; i < texts.Length; i++)
                Marshal.FreeCoTaskMem(parameters[i].Value);
        }
    }

    /// <summary>Breaks off whatever the hypervisor works at for the domain.</summary>
    internal void AbortJob(Guid uuid) => With(uuid, "break off the work at", LibvirtNative.virDomainAbortJob);

    internal MigrationProgress? GetMigration(Guid uuid)
    {
        LibvirtNative.VirDomainJobInfo info = default;
        With(uuid, "ask for the work at", domain => LibvirtNative.virDomainGetJobInfo(domain, out info));
        return info.Type == LibvirtNative.JobNone
            ? null
            : new MigrationProgress((long)info.DataProcessed, (long)info.DataTotal, (long)info.DataRemaining);
    }

    internal string GetLiveXml(Guid uuid)
    {
        using var domain = Lookup(uuid, "read");
        return LibvirtSession.TakeText(LibvirtNative.virDomainGetXMLDesc(domain, LibvirtNative.XmlMigratable))
            ?? throw LibvirtError.Last($"read domain {uuid}");
    }
}
