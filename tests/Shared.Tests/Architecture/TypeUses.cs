using System.Reflection;
using System.Reflection.Emit;

namespace PonyCloud.Shared.Tests.Architecture;

/// <summary>
/// What a type uses, read from its metadata and from the code of its methods: base types, interfaces, attributes,
/// fields, signatures, locals, and every member and type that an instruction names.
/// </summary>
internal static class TypeUses
{
    private const BindingFlags Declared =
        BindingFlags.DeclaredOnly | BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic;

    private static readonly Dictionary<int, OpCode> OpCodesByValue = typeof(OpCodes).GetFields()
        .Select(field => (OpCode)field.GetValue(null)!)
        .ToDictionary(code => (int)(ushort)code.Value);

    /// <summary>Every type that is used, taken apart: of <c>List&lt;Host&gt;[]</c> both <c>List</c> and <c>Host</c>.</summary>
    public static IReadOnlySet<Type> Types(Type type) =>
        Members(type).SelectMany(member => member is Type used ? TakeApart(used) : Around(member)).ToHashSet();

    /// <summary>Every member that the type's code names, and every type that it mentions anywhere.</summary>
    public static IReadOnlySet<MemberInfo> Members(Type type)
    {
        var members = new HashSet<MemberInfo>();
        Add(type.BaseType);
        members.UnionWith(type.GetInterfaces());
        AddAttributes(type);
        foreach (var field in type.GetFields(Declared))
        {
            Add(field.FieldType);
            AddAttributes(field);
        }

        foreach (var property in type.GetProperties(Declared))
        {
            AddAttributes(property);
        }

        foreach (var constraint in type.GetGenericArguments().Where(argument => argument.IsGenericParameter))
        {
            members.UnionWith(constraint.GetGenericParameterConstraints());
        }

        foreach (var method in type.GetMethods(Declared).Concat<MethodBase>(type.GetConstructors(Declared)))
        {
            AddAttributes(method);
            Add((method as MethodInfo)?.ReturnType);
            foreach (var parameter in method.GetParameters())
            {
                Add(parameter.ParameterType);
            }

            if (method.GetMethodBody() is { } body)
            {
                members.UnionWith(body.LocalVariables.Select(local => local.LocalType));
                members.UnionWith(body.ExceptionHandlingClauses
                    .Where(clause => clause.Flags == ExceptionHandlingClauseOptions.Clause)
                    .Select(clause => clause.CatchType)
                    .OfType<Type>());
                members.UnionWith(Named(method, body.GetILAsByteArray()!));
            }
        }

        return members;

        void Add(Type? used)
        {
            if (used is not null)
            {
                members.Add(used);
            }
        }

        void AddAttributes(MemberInfo member) =>
            members.UnionWith(member.GetCustomAttributesData().Select(attribute => attribute.AttributeType));
    }

    /// <summary>What the instructions of a method name.</summary>
    private static IEnumerable<MemberInfo> Named(MethodBase method, byte[] code)
    {
        var typeArguments = method.DeclaringType!.IsGenericType ? method.DeclaringType.GetGenericArguments() : null;
        var methodArguments = method.IsGenericMethod ? method.GetGenericArguments() : null;
        var at = 0;
        while (at < code.Length)
        {
            // Two-byte codes begin with FE.
            var value = code[at] == 0xFE ? (code[at++] << 8) | code[at++] : code[at++];
            var operand = OpCodesByValue[value].OperandType;
            switch (operand)
            {
                case OperandType.InlineField or OperandType.InlineMethod or OperandType.InlineType or OperandType.InlineTok:
                    yield return method.Module.ResolveMember(BitConverter.ToInt32(code, at), typeArguments, methodArguments)!;
                    at += 4;
                    break;
                case OperandType.InlineSwitch:
                    at += 4 + (4 * BitConverter.ToInt32(code, at));
                    break;
                case OperandType.InlineNone:
                    break;
                case OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar:
                    at += 1;
                    break;
                case OperandType.InlineVar:
                    at += 2;
                    break;
                case OperandType.InlineI8 or OperandType.InlineR:
                    at += 8;
                    break;
                default:
                    at += 4;
                    break;
            }
        }
    }

    private static IEnumerable<Type> Around(MemberInfo member)
    {
        IEnumerable<Type?> types = member switch
        {
            MethodInfo method => [method.DeclaringType, method.ReturnType, .. Parameters(method), .. method.GetGenericArguments()],
            MethodBase constructor => [constructor.DeclaringType, .. Parameters(constructor)],
            FieldInfo field => [field.DeclaringType, field.FieldType],
            _ => [member.DeclaringType],
        };
        return types.OfType<Type>().SelectMany(TakeApart);
    }

    private static IEnumerable<Type> Parameters(MethodBase method) => method.GetParameters().Select(parameter => parameter.ParameterType);

    private static IEnumerable<Type> TakeApart(Type type)
    {
        if (type.HasElementType)
        {
            return TakeApart(type.GetElementType()!);
        }

        return type.IsGenericType
            ? type.GetGenericArguments().SelectMany(TakeApart).Prepend(type.GetGenericTypeDefinition())
            : [type];
    }
}
