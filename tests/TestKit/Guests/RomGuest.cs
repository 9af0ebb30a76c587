using System.Text;

namespace PonyCloud.TestKit.Guests;

/// <summary>What the guest does when its power button is pressed.</summary>
public enum PowerButton
{
    /// <summary>Nothing, like a guest that hangs: only cutting its power ends it.</summary>
    Ignored,

    /// <summary>
    /// It powers off within two hundredths of a second of its own time, like a guest that shuts down well. With the <c>q35</c> machine
    /// it also lets go of devices that it is to release. And it sends back what is typed at its serial port.
    /// </summary>
    PowersOff,
}

/// <summary>
/// The smallest guest there is: a ROM in the place of the BIOS that prints one line to the first serial port and then
/// halts. It is up in less than a tenth of a second even where every instruction is emulated, and takes no processor
/// time afterwards, so that tests can have many of them.
/// </summary>
/// <remarks>
/// <para>Layout of the 65,536 bytes, which the machine shows at F000:0000 to F000:FFFF:</para>
/// <code>
/// 0000       code: prints the line, then sets the power button up, then halts for ever
/// ....       the line, in ASCII, with CR LF and a zero byte
/// ....       F4 (hlt) up to the reset vector
/// FFF0       EA 00 00 00 F0: jmp far F000:0000, where the processor begins after a reset
/// FFF5       00 up to the end
/// </code>
/// <para>
/// In libvirt: <c>&lt;os&gt;&lt;type machine='pc'&gt;hvm&lt;/type&gt;&lt;loader type='rom' readonly='yes'&gt;PATH&lt;/loader&gt;&lt;/os&gt;</c>;
/// the power button works with both the <c>pc</c> and the <c>q35</c> machine. By hand:
/// <c>qemu-system-x86_64 -nodefaults -display none -serial stdio -bios PATH</c>.
/// </para>
/// </remarks>
public static class RomGuest
{
    /// <summary>The line that the guest prints when no other is asked for.</summary>
    public const string Line = "PonyCloud ROM guest is up";

    /// <summary>Bytes of the image.</summary>
    public const int Size = 65_536;

    private const int ResetVector = 0xFFF0;
    private const ushort Com1 = 0x3F8;
    private const ushort PciAddress = 0xCF8;
    private const ushort PciData = 0xCFC;

    // Where this ROM puts the ports of the ACPI power management: status, +2 enable, +4 control.
    private const ushort PowerManagement = 0x600;
    private const uint LocalApic = 0xFEE00000;
    // Hotplug by ACPI of the q35 machine (docs/specs/acpi_pci_hotplug of QEMU): what is to go, ejection, choice of the bus.
    private const ushort HotplugDown = 0xCC4;
    private const ushort HotplugEject = 0xCC8;
    private const ushort HotplugBus = 0xCD0;
    private const byte HotplugBuses = 64;

    private const ushort PanicPort = 0x505;
    private const ushort PowerButtonBit = 0x100;
    private const ushort SoftOff = 0x2000;

    /// <summary>Writes the image to a file.</summary>
    /// <param name="path">The file; replaced when it is there.</param>
    /// <param name="powerButton">What the guest does when it is asked to shut down.</param>
    /// <param name="line">The line to print, ASCII, without an end of line.</param>
    /// <param name="mishap">What befalls it.</param>
    public static void Write(
        string path, PowerButton powerButton = PowerButton.Ignored, string line = Line, Mishap mishap = Mishap.None) =>
        File.WriteAllBytes(path, Image(powerButton, line, mishap));

    /// <summary>The image.</summary>
    /// <exception cref="ArgumentException">The line is not ASCII, or too long for the ROM.</exception>
    public static byte[] Image(PowerButton powerButton = PowerButton.Ignored, string line = Line, Mishap mishap = Mishap.None)
    {
        if (!Ascii.IsValid(line) || line.Contains('\0', StringComparison.Ordinal))
        {
            throw new ArgumentException("The line must be printable ASCII.", nameof(line));
        }

        var code = new RealModeCode();
        PrintLine(code);
        Befall(code, mishap);
        if (powerButton == PowerButton.PowersOff)
        {
            WaitForPowerButton(code);
        }

        // With interrupts off, hlt is left never; the jump is for whoever sends a non-maskable one.
        code.Label("halt").Emit(0xF4).Jump("halt");
        code.Label("text").Emit(Encoding.ASCII.GetBytes(line + "\r\n\0"));

        var program = code.Assemble();
        if (program.Length > ResetVector)
        {
            throw new ArgumentException("The line is too long for the ROM.", nameof(line));
        }

        var image = new byte[Size];
        image.AsSpan(program.Length, ResetVector - program.Length).Fill(0xF4);
        program.CopyTo(image, 0);
        ReadOnlySpan<byte> jump = [0xEA, 0x00, 0x00, 0x00, 0xF0];
        jump.CopyTo(image.AsSpan(ResetVector));
        return image;
    }

    private static void Befall(RealModeCode code, Mishap mishap)
    {
        switch (mishap)
        {
            case Mishap.StarvesWatchdog:
                // The fast clock, by which the two stages of the timer take a second each; then on.
                code.OutDword(PciAddress, 0x80009860).OutWord(PciData, 0x0004)
                    .OutDword(PciAddress, 0x80009868).MovDx(PciData).Emit(0xB0, 0x02, 0xEE);    // mov al, 2; out dx, al
                break;
            case Mishap.Panics:
                code.MovDx(PanicPort).Emit(0xB0, 0x01, 0xEE);   // mov al, 1; out dx, al
                break;
        }
    }

    private static void PrintLine(RealModeCode code) => code
        .Emit(0xFA)                                     // cli
        .Emit(0xFC)                                     // cld
        .Emit(0x8C, 0xC8, 0x8E, 0xD8)                   // mov ax, cs; mov ds, ax
        .MovSi("text")
        .Label("next")
        .Emit(0xAC)                                     // lodsb
        .Emit(0x84, 0xC0)                               // test al, al
        .JumpIfZero("printed")
        .Emit(0x88, 0xC4)                               // mov ah, al
        .MovDx(Com1 + 5)
        .Label("busy")
        .Emit(0xEC)                                     // in al, dx: line status
        .Emit(0xA8, 0x20)                               // test al, 20h: room for a byte
        .JumpIfZero("busy")
        .MovDx(Com1)
        .Emit(0x88, 0xE0)                               // mov al, ah
        .Emit(0xEE)                                     // out dx, al
        .Jump("next")
        .Label("printed");

    private static void WaitForPowerButton(RealModeCode code)
    {
        // Which chipset: q35 has its bridge to the old buses at 00:1f.0, the pc machine its power management at 00:01.3.
        code.OutDword(PciAddress, 0x8000F800)
            .MovDx(PciData).Emit(0xED)                  // in ax, dx
            .Emit(0x3D, 0x86, 0x80)                     // cmp ax, 8086h
            .JumpIfZero("q35");

        code.OutDword(PciAddress, 0x80000B40).OutDword(PciData, PowerManagement | 1)
            .OutDword(PciAddress, 0x80000B80).MovDx(PciData).Emit(0xB0, 0x01, 0xEE)     // mov al, 1; out dx, al
            .Jump("button");

        code.Label("q35")
            .OutDword(PciAddress, 0x8000F840).OutDword(PciData, PowerManagement | 1)
            .OutDword(PciAddress, 0x8000F844).MovDx(PciData).Emit(0xB0, 0x80, 0xEE);    // mov al, 80h; out dx, al

        code.Label("button")
            .OutWord(PowerManagement + 2, PowerButtonBit);

        // Interrupts of the old controller get through only where the local APIC lets them, and that is above what real
        // mode reaches: a look into protected mode gives ES the whole address space, and ES keeps it afterwards.
        code.Emit(0x2E, 0x0F, 0x01, 0x16).Word("gdtr")  // lgdt cs:[gdtr]
            .Emit(0x0F, 0x20, 0xC0)                     // mov eax, cr0
            .Emit(0x0C, 0x01, 0x0F, 0x22, 0xC0)         // or al, 1; mov cr0, eax
            .Emit(0xBB, 0x08, 0x00, 0x8E, 0xC3)         // mov bx, 8; mov es, bx
            .Emit(0x24, 0xFE, 0x0F, 0x22, 0xC0)         // and al, feh; mov cr0, eax
            .StoreHigh(LocalApic + 0xF0, 0x1FF)         // on
            .StoreHigh(LocalApic + 0x350, 0x700);       // LINT0: external interrupts

        // A timer interrupt 50 times a second lets the processor halt between two looks at the button.
        code.Emit(0x31, 0xC0, 0x8E, 0xD0, 0x8E, 0xD8)   // xor ax, ax; mov ss, ax; mov ds, ax
            .Emit(0xBC, 0x00, 0x70)                     // mov sp, 7000h
            .Store(0x20, "tick").Store(0x22, 0xF000)    // vector 8
            .OutByte(0x20, 0x11).OutByte(0x21, 0x08).OutByte(0x21, 0x04).OutByte(0x21, 0x01)
            .OutByte(0xA0, 0x11).OutByte(0xA1, 0x70).OutByte(0xA1, 0x02).OutByte(0xA1, 0x01)
            .OutByte(0x21, 0xFE).OutByte(0xA1, 0xFF)    // only the timer
            .OutByte(0x43, 0x34).OutByte(0x40, 0x38).OutByte(0x40, 0x5D)
            .Emit(0xFB)                                 // sti
            .Label("look")
            .Emit(0xF4)                                 // hlt
            .MovDx(Com1 + 5).Emit(0xEC)                 // in al, dx: line status
            .Emit(0xA8, 0x01)                           // test al, 1: a byte came in
            .JumpIfZero("silent")
            .MovDx(Com1).Emit(0xEC, 0xEE)               // in al, dx; out dx, al
            .Label("silent")
            .Emit(0xBB, 0x00, 0x00)                     // mov bx, 0
            .Label("bus")
            .Emit(0x66, 0x31, 0xC0, 0x89, 0xD8)         // xor eax, eax; mov ax, bx
            .MovDx(HotplugBus).Emit(0x66, 0xEF)         // out dx, eax
            .MovDx(HotplugDown).Emit(0x66, 0xED)        // in eax, dx: a bit for each slot
            .Emit(0x66, 0x85, 0xC0)                     // test eax, eax
            .JumpIfZero("stays")
            .MovDx(HotplugEject).Emit(0x66, 0xEF)       // out dx, eax
            .Label("stays")
            .Emit(0x43)                                 // inc bx
            .Emit(0x80, 0xFB, HotplugBuses)             // cmp bl, 64
            .JumpIfZero("button?")
            .Jump("bus")
            .Label("button?")
            .MovDx(PowerManagement).Emit(0xED)          // in ax, dx
            .Emit(0xF6, 0xC4, 0x01)                     // test ah, 1: button pressed
            .JumpIfZero("look")
            .OutWord(PowerManagement + 4, SoftOff)
            .Jump("look")
            .Label("tick")
            .Emit(0x50, 0xB0, 0x20, 0xE6, 0x20, 0x58)   // push ax; mov al, 20h; out 20h, al; pop ax
            .Emit(0xCF)                                 // iret
            .Label("gdtr").Emit(0x0F, 0x00).Word("gdt").Emit(0x0F, 0x00)
            .Label("gdt").Emit(0, 0, 0, 0, 0, 0, 0, 0)
            .Emit(0xFF, 0xFF, 0x00, 0x00, 0x00, 0x92, 0xCF, 0x00);                      // data, all 4 GiB, writable
    }
}
