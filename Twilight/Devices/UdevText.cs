using System.Globalization;
using System.Text;

namespace PonyCloud.Twilight.Devices;

/// <summary>Texts of the udev database.</summary>
internal static class UdevText
{
    /// <summary>
    /// Takes back what udev does to values whose name ends in _ENC: <c>\x20</c> is the byte 20. Control characters are left
    /// out: devices say what they like.
    /// </summary>
    public static string Unescape(string escaped)
    {
        var bytes = new List<byte>(escaped.Length);
        var text = Encoding.UTF8.GetBytes(escaped);
        for (var i = 0; i < text.Length; i++)
        {
            if (i + 3 < text.Length && text[i] == '\\' && text[i + 1] == 'x'
                && byte.TryParse(text.AsSpan(i + 2, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value))
            {
                bytes.Add(value);
                i += 3;
            }
            else
            {
                bytes.Add(text[i]);
            }
        }
        return string.Concat(Encoding.UTF8.GetString([.. bytes]).Where(character => !char.IsControl(character)));
    }
}
