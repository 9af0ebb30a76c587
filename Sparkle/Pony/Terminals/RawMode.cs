using System.ComponentModel;
using System.Runtime.InteropServices;

namespace PonyCloud.Pony.Terminals;

/// <summary>
/// Lets a terminal pass every key on as it is, without showing it and without meaning anything by it (termios(3)), until it is disposed
/// of. What the settings look like is the C library's business: they are kept as they were given.
/// </summary>
internal sealed class RawMode : IDisposable
{
    private const int StandardInput = 0;

    /// <summary>At once.</summary>
    private const int Now = 0;

    /// <summary>More than a struct termios has anywhere.</summary>
    private const int Room = 256;

    private readonly byte[] _before = new byte[Room];
    private bool _isRestored;

    /// <exception cref="Win32Exception">Standard input is no terminal.</exception>
    public RawMode()
    {
        Check(Native.GetAttributes(StandardInput, _before));
        var raw = _before.ToArray();
        Native.MakeRaw(raw);
        Check(Native.SetAttributes(StandardInput, Now, raw));
    }

    public void Dispose()
    {
        if (_isRestored)
            return;
        _isRestored = true;
        Check(Native.SetAttributes(StandardInput, Now, _before));
    }

    private static void Check(int result)
    {
        if (result != 0)
            throw new Win32Exception(Marshal.GetLastPInvokeError());
    }

    private static class Native
    {
        [DllImport("libc", EntryPoint = "tcgetattr", SetLastError = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        public static extern int GetAttributes(int descriptor, byte[] settings);

        [DllImport("libc", EntryPoint = "tcsetattr", SetLastError = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        public static extern int SetAttributes(int descriptor, int when, byte[] settings);

        [DllImport("libc", EntryPoint = "cfmakeraw")]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        public static extern void MakeRaw(byte[] settings);
    }
}
