namespace PonyCloud.TestKit.Guests;

/// <summary>
/// Emits 16-bit x86 code with labels: just the instructions that <see cref="RomGuest"/> needs, each named after what it
/// assembles. Offsets count from the start of the ROM.
/// </summary>
internal sealed class RealModeCode
{
    private readonly List<byte> _bytes = [];
    private readonly Dictionary<string, int> _labels = [];
    private readonly List<(int At, string Label, bool Short)> _references = [];

    public RealModeCode Label(string name)
    {
        _labels.Add(name, _bytes.Count);
        return this;
    }

    public RealModeCode Emit(params ReadOnlySpan<byte> code)
    {
        _bytes.AddRange(code);
        return this;
    }

    public RealModeCode MovAx(ushort value) => Emit(0xB8, (byte)value, (byte)(value >> 8));

    public RealModeCode MovDx(ushort value) => Emit(0xBA, (byte)value, (byte)(value >> 8));

    public RealModeCode MovEax(uint value) =>
        Emit(0x66, 0xB8, (byte)value, (byte)(value >> 8), (byte)(value >> 16), (byte)(value >> 24));

    /// <summary><c>mov al, value; out port, al</c></summary>
    public RealModeCode OutByte(byte port, byte value) => Emit(0xB0, value, 0xE6, port);

    /// <summary><c>mov dx, port; mov ax, value; out dx, ax</c></summary>
    public RealModeCode OutWord(ushort port, ushort value) => MovDx(port).MovAx(value).Emit(0xEF);

    /// <summary><c>mov dx, port; mov eax, value; out dx, eax</c></summary>
    public RealModeCode OutDword(ushort port, uint value) => MovDx(port).MovEax(value).Emit(0x66, 0xEF);

    /// <summary><c>mov si, label</c></summary>
    public RealModeCode MovSi(string label) => Emit(0xBE).Reference(label, isShort: false);

    /// <summary><c>mov word [address], label</c></summary>
    public RealModeCode Store(ushort address, string label) =>
        Emit(0xC7, 0x06, (byte)address, (byte)(address >> 8)).Reference(label, isShort: false);

    /// <summary><c>mov word [address], value</c></summary>
    public RealModeCode Store(ushort address, ushort value) =>
        Emit(0xC7, 0x06, (byte)address, (byte)(address >> 8), (byte)value, (byte)(value >> 8));

    /// <summary><c>mov dword es:[address], value</c>, for an address of 32 bits</summary>
    public RealModeCode StoreHigh(uint address, uint value) =>
        Emit(0x26, 0x67, 0x66, 0xC7, 0x05)
            .Emit((byte)address, (byte)(address >> 8), (byte)(address >> 16), (byte)(address >> 24))
            .Emit((byte)value, (byte)(value >> 8), (byte)(value >> 16), (byte)(value >> 24));

    /// <summary>The offset of a label, as data.</summary>
    public RealModeCode Word(string label) => Reference(label, isShort: false);

    public RealModeCode Jump(string label) => Emit(0xEB).Reference(label, isShort: true);

    public RealModeCode JumpIfZero(string label) => Emit(0x74).Reference(label, isShort: true);

    public byte[] Assemble()
    {
        var code = _bytes.ToArray();
        foreach (var (at, label, isShort) in _references)
        {
            var target = _labels[label];
            if (isShort)
            {
                // Relative to the instruction that follows; a jump that is too far must not wrap around.
                code[at] = (byte)checked((sbyte)(target - at - 1));
            }
            else
            {
                code[at] = (byte)target;
                code[at + 1] = (byte)(target >> 8);
            }
        }

        return code;
    }

    private RealModeCode Reference(string label, bool isShort)
    {
        _references.Add((_bytes.Count, label, isShort));
        return isShort ? Emit(0) : Emit(0, 0);
    }
}
