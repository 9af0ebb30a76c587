using System.Globalization;

namespace PonyCloud.Twilight.Instances;

/// <summary>Where QEMU finds what a disk of a guest holds. Equal ones are the same, and nothing in them is secret.</summary>
public abstract record DiskSource
{
    private DiskSource()
    {
    }

    /// <summary>As libvirt names it: the file, the device, or the name in its network.</summary>
    public abstract string Name { get; }

    /// <summary>A qcow2 file, perhaps with others behind it.</summary>
    public sealed record Qcow2(string Path) : DiskSource
    {
        public override string Name => Path;

        public override string ToString() => Path;
    }

    /// <summary>A file that is what the guest sees.</summary>
    public sealed record Raw(string Path) : DiskSource
    {
        public override string Name => Path;

        public override string ToString() => Path;
    }

    /// <summary>A device of the host that is what the guest sees.</summary>
    public sealed record Device(string Path) : DiskSource
    {
        public override string Name => Path;

        public override string ToString() => Path;
    }

    /// <summary>An image of Ceph.</summary>
    /// <param name="Monitors">Host and port of each, with commas between them; IPv6 addresses in brackets.</param>
    /// <param name="Secret">Which of libvirt's secrets has the key; null where the cluster asks for none.</param>
    public sealed record Rbd(string Pool, string Image, string Monitors, string User, Guid? Secret) : DiskSource
    {
        public override string Name => $"{Pool}/{Image}";

        public override string ToString() => $"rbd:{Name}";
    }

    /// <summary>A logical unit of an iSCSI target.</summary>
    /// <param name="Portal">Host and port.</param>
    /// <param name="Size">How much of it is offered, bytes; null for all.</param>
    /// <param name="User">Null where nobody logs in.</param>
    /// <param name="Secret">Which of libvirt's secrets has the password.</param>
    public sealed record Iscsi(string Portal, string Target, int Unit, string Initiator, long? Size, string? User, Guid? Secret) : DiskSource
    {
        public override string Name => string.Create(CultureInfo.InvariantCulture, $"{Target}/{Unit}");

        public override string ToString() => $"iscsi:{Name}";
    }
}
