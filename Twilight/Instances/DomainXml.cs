using System.Security.Cryptography;
using System.Text;
using System.Xml.Linq;
using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Hypervisor;

namespace PonyCloud.Twilight.Instances;

/// <summary>A libvirt domain, ready to be defined.</summary>
/// <param name="Instance">The instance, whose uuid is the domain's too.</param>
/// <param name="Shape">
/// Digest of everything in the definition but the network cards and their ports, which come and go while the domain runs; equal digests mean that
/// there is nothing to redefine.
/// </param>
/// <param name="Xml">The definition, with the digest in its metadata.</param>
public sealed record DomainDefinition(Guid Instance, string Shape, string Xml)
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
    public static DomainDefinition For(
        InstanceDesired instance, CpuProfileDesired? profile, IReadOnlyList<InstanceCard> cards, DomainOptions options)
    {
        var bare = Domain(instance, profile, options);
        var digest = SHA256.HashData(Encoding.UTF8.GetBytes(bare.ToString(SaveOptions.DisableFormatting)));
        var shape = Convert.ToHexStringLower(digest)[..ShapeLength];
        bare.Element("devices")!.Elements("controller").Last().AddAfterSelf(PciPorts.MoreFor(cards), cards.Select(CardXml.For));
        bare.Element("title")!.AddAfterSelf(new XElement("metadata", new DomainMetadata(instance.Uuid, shape).ToXml()));
        return new DomainDefinition(instance.Uuid, shape, bare.ToString());
    }

    /// <summary>The name of an instance's domain: unique as its uuid is, since names of instances are unique in a tenant only.</summary>
    public static string NameOf(Guid instance) => $"instance-{instance}";

    private static XElement Domain(InstanceDesired instance, CpuProfileDesired? profile, DomainOptions options) => new(
        "domain",
        new XAttribute("type", options.Accelerator == Accelerator.Kvm ? "kvm" : "qemu"),
        new XElement("name", NameOf(instance.Uuid)),
        new XElement("uuid", instance.Uuid),
        new XElement("title", instance.Name),
        new XElement("memory", new XAttribute("unit", "MiB"), instance.Mem),
        new XElement("currentMemory", new XAttribute("unit", "MiB"), instance.Mem),
        new XElement("vcpu", new XAttribute("placement", "static"), instance.Vcpu),
        Os(options.Boot),
        new XElement("features", new XElement("acpi"), new XElement("apic")),
        Cpu(profile, options.Accelerator),
        new XElement("clock", new XAttribute("offset", "utc")),
        new XElement("on_poweroff", "destroy"),
        new XElement("on_reboot", "restart"),
        new XElement("on_crash", "destroy"),
        Devices(instance, options));

    private static XElement Os(DisklessBoot boot)
    {
        var os = new XElement("os", new XElement("type", new XAttribute("arch", "x86_64"), new XAttribute("machine", "q35"), "hvm"));
        switch (boot)
        {
            case DisklessBoot.Rom rom:
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
        new XElement("controller", new XAttribute("type", "usb"), new XAttribute("model", "none")),
        PciPorts.Controllers,
        new XElement(
            "serial",
            new XAttribute("type", "file"),
            new XElement("source", new XAttribute("path", options.ConsoleLogOf(instance.Uuid)), new XAttribute("append", "off")),
            new XElement("target", new XAttribute("type", "isa-serial"), new XAttribute("port", "0"))),
        new XElement(
            "rng",
            new XAttribute("model", "virtio"),
            new XElement("backend", new XAttribute("model", "random"), "/dev/urandom"),
            PciPorts.Address(PciPorts.Random)),
        new XElement("memballoon", new XAttribute("model", "virtio"), PciPorts.Address(PciPorts.Balloon)));
}
