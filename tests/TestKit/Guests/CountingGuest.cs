namespace PonyCloud.TestKit.Guests;

/// <summary>
/// A guest that is a ROM, like <see cref="RomGuest"/>, and counts for ever on its first serial port: a line of eight hexadecimal digits
/// for each number, from zero on. Whoever reads them sees whether it ever stopped, began anew, or was in two places. Some of its memory
/// is full of what is not zero, so that there is something to copy.
/// </summary>
public static class CountingGuest
{
    // Turns of an empty loop between two lines: some hundred lines a second under emulation.
    private const uint Pause = 1_000_000;

    private const ushort Com1 = 0x3F8;
    private const ushort FirstSegment = 0x1000;
    private const ushort EndSegment = 0x9000;
    private const int ResetVector = 0xFFF0;

    public static void Write(string path)
    {
        var code = new RealModeCode();
        FillMemory(code);
        Count(code);
        var program = code.Assemble();
        var image = new byte[RomGuest.Size];
        program.CopyTo(image, 0);
        ReadOnlySpan<byte> jump = [0xEA, 0x00, 0x00, 0x00, 0xF0];
        jump.CopyTo(image.AsSpan(ResetVector));
        File.WriteAllBytes(path, image);
    }

    /// <summary>The numbers that are whole lines of what it wrote.</summary>
    public static IReadOnlyList<uint> NumbersIn(string console) =>
    [
        .. console.Split('\n')[..^1].Where(line => line.Length == 8).Select(line => Convert.ToUInt32(line, 16)),
    ];

    private static void FillMemory(RealModeCode code) => code
        .Emit(0xFA)                                             // cli
        .Emit(0xFC)                                             // cld
        .MovAx(FirstSegment)
        .Label("segment")
        .Emit(0x8E, 0xC0)                                       // mov es, ax
        .Emit(0x31, 0xFF)                                       // xor di, di
        .Emit(0xB9, 0x00, 0x80)                                 // mov cx, 8000h
        .Label("word")
        .Emit(0x01, 0xC7, 0x26, 0x89, 0x3D, 0x29, 0xC7)         // add di, ax; mov es:[di], di; sub di, ax
        .Emit(0x47, 0x47, 0x49)                                 // inc di; inc di; dec cx
        .JumpIfZero("filled")
        .Jump("word")
        .Label("filled")
        .Emit(0x05, 0x00, 0x10)                                 // add ax, 1000h
        .Emit(0x3D, EndSegment & 0xFF, EndSegment >> 8)         // cmp ax, end
        .JumpIfZero("counting")
        .Jump("segment")
        .Label("counting");

    private static void Count(RealModeCode code) => code
        .Emit(0x66, 0x31, 0xDB)                                 // xor ebx, ebx
        .Label("line")
        .MovDx(Com1)
        .Emit(0xB9, 0x08, 0x00)                                 // mov cx, 8
        .Label("digit")
        .Emit(0x66, 0xC1, 0xC3, 0x04)                           // rol ebx, 4
        .Emit(0x88, 0xD8, 0x24, 0x0F, 0x04, 0x30)               // mov al, bl; and al, 0Fh; add al, '0'
        .Emit(0x3C, 0x39, 0x76, 0x02, 0x04, 0x27)               // cmp al, '9'; jbe over; add al, 'a' - '9' - 1
        .Emit(0xEE)                                             // out dx, al
        .Emit(0x49)                                             // dec cx
        .JumpIfZero("end")
        .Jump("digit")
        .Label("end")
        .Emit(0xB0, 0x0A, 0xEE)                                 // mov al, '\n'; out dx, al
        .Emit(0x66, 0x43)                                       // inc ebx
        .Emit(0x66, 0xB9, unchecked((byte)Pause), unchecked((byte)(Pause >> 8)), (byte)(Pause >> 16), 0x00)     // mov ecx, pause
        .Label("pause")
        .Emit(0x66, 0x49)                                       // dec ecx
        .JumpIfZero("line")
        .Jump("pause");
}
