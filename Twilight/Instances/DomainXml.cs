using System.Security.Cryptography;
using System.Text;
using System.Xml.Linq;
using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Hypervisor;

namespace PonyCloud.Twilight.Instances;

/// <summary>A libvirt domain, ready to be defined.</summary>
/// <param name="Instance">The instance, whose uuid is the domain's too.</param>
/// <param name="Shape">
/// Digest of everything in the definition but what can be changed while the domain runs: network cards, disks and their ports, memory
/// and processors within their maxima. Equal digests mean that there is nothing to redefine.
/// </param>
/// <param name="Fields">The columns of the instance that are in the shape, for <see cref="ShapeFields"/>.</param>
/// <param name="Xml">The definition, with both in its metadata.</param>
public sealed record DomainDefinition(Guid Instance, string Shape, string Fields, string Xml)
{
    public override string ToString() => $"{Instance} of shape {Shape}";
}

/// <summary>Makes libvirt's domain XML (libvirt.org/formatdomain.html) of an instance. Pure.</summary>
public static class DomainXml
{
    // Enough that no two shapes of one instance ever meet, short enough to read.
    private const int ShapeLength = 16;

    /// <param name="profile">The processor that the guest sees; null for all that the host has.</param>
    /// <param name="cards">Its network cards, in the order in which the guest is to find them.</param>
    /// <param name="disks">Its disks, in the order in which it boots from them; those that have no source are left out.</param>
    /// <param name="seed">A file for cloud-init in the guest; null for none.</param>
    public static DomainDefinition For(
        InstanceDesired instance,
        CpuProfileDesired? profile,
        IReadOnlyList<InstanceCard> cards,
        IReadOnlyList<InstanceDisk> disks,
        DomainOptions options,
        string? seed = null)
    {
        var bare = Domain(instance, profile, disks.Count > 0 ? options with { Boot = new DisklessBoot.Bios() } : options);
        var shape = DigestOf(bare);
        var fields = ShapeFields.Of(instance, DigestOf(Cpu(profile, options.Accelerator)));
        bare.Element("devices")!.Elements("controller").Last().AddAfterSelf(DomainDevices.For(instance.Boot, cards, disks, seed));
        bare.Element("memory")!.AddAfterSelf(new XElement("currentMemory", new XAttribute("unit", "MiB"), instance.Mem));
        bare.Element("vcpu")!.Add(new XAttribute("current", instance.Vcpu));
        if (instance.VcpuMax is { } most)
            bare.Element("vcpu")!.AddAfterSelf(Processors(instance.Vcpu, most));
        var mark = new DomainMetadata(instance.Uuid, shape)
        {
            Fields = fields,
            Reboots = instance.Reboots,
            Resets = instance.Resets,
        };
        bare.Element("title")!.AddAfterSelf(new XElement("metadata", mark.ToXml()));
        return new DomainDefinition(instance.Uuid, shape, fields, bare.ToString());
    }

    /// <summary>The name of an instance's domain: unique as its uuid is, since names of instances are unique in a tenant only.</summary>
    public static string NameOf(Guid instance) => $"instance-{instance}";

    private static string DigestOf(XElement element) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(element.ToString(SaveOptions.DisableFormatting))))[..ShapeLength];

    private static XElement Domain(InstanceDesired instance, CpuProfileDesired? profile, DomainOptions options) => new(
        "domain",
        new XAttribute("type", options.Accelerator == Accelerator.Kvm ? "kvm" : "qemu"),
        new XElement("name", NameOf(instance.Uuid)),
        new XElement("uuid", instance.Uuid),
        new XElement("title", instance.Name),
        new XElement("memory", new XAttribute("unit", "MiB"), instance.MemMax ?? instance.Mem),
        new XElement("vcpu", new XAttribute("placement", "static"), instance.VcpuMax ?? instance.Vcpu),
        SystemInformation(instance),
        Os(instance.Firmware, options.Boot),
        new XElement("features", new XElement("acpi"), new XElement("apic")),
        Cpu(profile, options.Accelerator),
        new XElement("clock", new XAttribute("offset", "utc")),
        new XElement("on_poweroff", "destroy"),
        new XElement("on_reboot", "restart"),
        new XElement("on_crash", "destroy"),
        Devices(instance, options));

    // A processor that was there at the start is given back only if it is said that it can be.
    private static XElement Processors(int count, int most) => new(
        "vcpus",
        Enumerable.Range(0, Math.Max(most, count)).Select(id => new XElement(
            "vcpu",
            new XAttribute("id", id),
            new XAttribute("enabled", id < count ? "yes" : "no"),
            new XAttribute("hotpluggable", id == 0 ? "no" : "yes"))));

    // By the chassis cloud-init finds out, without asking the network, that there is a metadata service to ask.
    private static XElement SystemInformation(InstanceDesired instance) => new(
        "sysinfo",
        new XAttribute("type", "smbios"),
        new XElement(
            "system", Entry("manufacturer", "PonyCloud"), Entry("product", "Instance"), Entry("serial", instance.Uuid), Entry("uuid", instance.Uuid)),
        new XElement("chassis", Entry("asset", "OpenStack Nova")));

    private static XElement Entry(string name, object value) => new("entry", new XAttribute("name", name), value);

    private static XElement Os(InstanceFirmware firmware, DisklessBoot boot)
    {
        var os = new XElement("os", new XElement("type", new XAttribute("arch", "x86_64"), new XAttribute("machine", "q35"), "hvm"));
        if (firmware == InstanceFirmware.Uefi)
        {
            // Which image that is, and where the guest's variables are kept, libvirt finds by what the host has.
            os.Add(new XAttribute("firmware", "efi"));
            os.Add(new XElement(
                "firmware", new XElement("feature", new XAttribute("enabled", "no"), new XAttribute("name", "secure-boot"))));
        }
        switch (boot)
        {
            case DisklessBoot.Rom rom when firmware == InstanceFirmware.Bios:
                os.Add(new XElement("loader", new XAttribute("type", "rom"), new XAttribute("readonly", "yes"), rom.Image));
                break;
            case DisklessBoot.Kernel kernel:
                os.Add(new XElement("kernel", kernel.Image));
                if (kernel.Initrd is not null)
                    os.Add(new XElement("initrd", kernel.Initrd));
                if (kernel.CommandLine is not null)
                    os.Add(new XElement("cmdline", kernel.CommandLine));
                break;
        }
        os.Add(new XElement("smbios", new XAttribute("mode", "sysinfo")));
        return os;
    }

    private static XElement Cpu(CpuProfileDesired? profile, Accelerator accelerator)
    {
        if (profile is null)
        {
            // host-passthrough does not exist under emulation; "maximum" is all that QEMU can emulate.
            return new XElement("cpu", new XAttribute("mode", accelerator == Accelerator.Kvm ? "host-passthrough" : "maximum"));
        }
        // Forbid a fallback and check for every feature: a guest that moves between hosts must find the same processor,
        // so a host that cannot give it shall refuse.
        return new XElement(
            "cpu",
            new XAttribute("mode", "custom"),
            new XAttribute("match", "exact"),
            new XAttribute("check", "partial"),
            new XElement("model", new XAttribute("fallback", "forbid"), profile.Model),
            profile.Features.Select(feature =>
                new XElement("feature", new XAttribute("policy", "require"), new XAttribute("name", feature))));
    }

    private static XElement Devices(InstanceDesired instance, DomainOptions options) => new(
        "devices",
        options.Emulator is null ? null : new XElement("emulator", options.Emulator),
        new XElement(
            "controller", new XAttribute("type", "usb"), new XAttribute("index", "0"), new XAttribute("model", "qemu-xhci"), PciPorts.Fixed(PciPorts.Usb)),
        new XElement("controller", new XAttribute("type", "virtio-serial"), new XAttribute("index", "0"), PciPorts.Fixed(PciPorts.Channels)),
        PciPorts.Controllers,
        new XElement(
            "controller",
            new XAttribute("type", "scsi"),
            new XAttribute("index", "0"),
            new XAttribute("model", "virtio-scsi"),
            PciPorts.Address(PciPorts.Scsi)),
        new XElement(
            "serial",
            new XAttribute("type", "unix"),
            new XElement("source", new XAttribute("mode", "bind"), new XAttribute("path", options.SerialSocketOf(instance.Uuid))),
            // Appended to, so that it can be cut from outside while it is written.
            new XElement("log", new XAttribute("file", options.ConsoleLogOf(instance.Uuid)), new XAttribute("append", "on")),
            new XElement("target", new XAttribute("type", "isa-serial"), new XAttribute("port", "0"))),
        new XElement(
            "channel",
            new XAttribute("type", "unix"),
            new XElement("source", new XAttribute("mode", "bind"), new XAttribute("path", options.AgentSocketOf(instance.Uuid))),
            new XElement("target", new XAttribute("type", "virtio"), new XAttribute("name", GuestAgentChannel.Name))),
        // A mouse would be where the guest believes it to be, and not where the person who looks at the screen has it.
        new XElement("input", new XAttribute("type", "tablet"), new XAttribute("bus", "usb")),
        new XElement(
            "graphics",
            new XAttribute("type", "vnc"),
            // Whoever asks for the screen alone shares it too: it neither throws others out, nor is kept out.
            new XAttribute("sharePolicy", "ignore"),
            new XElement("listen", new XAttribute("type", "socket"), new XAttribute("socket", options.VncSocketOf(instance.Uuid)))),
        new XElement("video", new XElement("model", new XAttribute("type", "vga"), new XAttribute("vram", "16384")), PciPorts.Fixed(PciPorts.Screen)),
        Watchdog(instance.Watchdog),
        // A kernel that knows it says so when it panics, instead of standing still for ever.
        new XElement("panic", new XAttribute("model", "isa")),
        new XElement(
            "rng",
            new XAttribute("model", "virtio"),
            new XElement("backend", new XAttribute("model", "random"), "/dev/urandom"),
            PciPorts.Address(PciPorts.Random)),
        new XElement("memballoon", new XAttribute("model", "virtio"), PciPorts.Address(PciPorts.Balloon)));

    private static XElement? Watchdog(InstanceWatchdog watchdog) => watchdog == InstanceWatchdog.None ? null : new XElement(
        "watchdog",
        new XAttribute("model", "i6300esb"),
        new XAttribute("action", watchdog switch
        {
            InstanceWatchdog.Reset => "reset",
            InstanceWatchdog.PowerOff => "poweroff",
            InstanceWatchdog.Pause => "pause",
            _ => throw new ArgumentOutOfRangeException(nameof(watchdog), watchdog, null),
        }),
        PciPorts.Fixed(PciPorts.Watchdog));
}
